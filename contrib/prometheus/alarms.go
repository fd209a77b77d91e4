package prometheus

const (
	unhealthyHelp = "Active sessions with a problem, as shard.Session.Health says; \"any\" counts each of them once."
	gapsHelp      = "Readers told that events are missing: those before where they wanted to resume, after an " +
		"event ID that is not known, while they were reading."
	sessionsRefused = "Sessions that were not created, by reason."
	readersRefused  = "Readers that were not attached, by reason."
	eventsRefused   = "Appends that stored nothing, by reason; those of a retained event ID are counted apart."
	claimsRefused   = "Keys that were not claimed, by reason."
	lookupsRefused  = "Sessions that were not found, or belong to another principal."
)

// alarmMetrics are what a Manager refused, and what is about to go wrong.
var alarmMetrics = []managerMetric{
	{family{"reprise_sessions_refused_total", sessionsRefused, counter, "reason", "session_limit"},
		is(func(s state) uint64 { return s.Refused.SessionLimit })},
	{family{"reprise_sessions_refused_total", sessionsRefused, counter, "reason", "principal_limit"},
		is(func(s state) uint64 { return s.Refused.PrincipalLimit })},
	{family{"reprise_sessions_refused_total", sessionsRefused, counter, "reason", "exists"},
		is(func(s state) uint64 { return s.Refused.Exists })},
	{family{"reprise_sessions_refused_total", sessionsRefused, counter, "reason", "invalid_id"},
		is(func(s state) uint64 { return s.Refused.InvalidID })},
	{family{"reprise_sessions_refused_total", sessionsRefused, counter, "reason", "invalid_metadata"},
		is(func(s state) uint64 { return s.Refused.InvalidMetadata })},
	{family{"reprise_readers_refused_total", readersRefused, counter, "reason", "attach_limit"},
		is(func(s state) uint64 { return s.Refused.AttachLimit })},
	{family{"reprise_events_refused_total", eventsRefused, counter, "reason", "over_budget"},
		is(func(s state) uint64 { return s.Refused.OverBudget })},
	{family{"reprise_events_refused_total", eventsRefused, counter, "reason", "too_large"},
		is(func(s state) uint64 { return s.Refused.TooLarge })},
	{family{"reprise_events_refused_total", eventsRefused, counter, "reason", "invalid"},
		is(func(s state) uint64 { return s.Refused.InvalidEvent })},
	{family{"reprise_events_refused_total", eventsRefused, counter, "reason", "finished"},
		is(func(s state) uint64 { return s.Refused.AppendFinished })},
	{family{"reprise_events_refused_total", eventsRefused, counter, "reason", "ended"},
		is(func(s state) uint64 { return s.Refused.AppendEnded })},
	{family{"reprise_claims_refused_total", claimsRefused, counter, "reason", "claimed"},
		is(func(s state) uint64 { return s.Refused.Claimed })},
	{family{"reprise_claims_refused_total", claimsRefused, counter, "reason", "claim_limit"},
		is(func(s state) uint64 { return s.Refused.ClaimLimit })},
	{family{"reprise_lookups_refused_total", lookupsRefused, counter, "reason", "not_found"},
		is(func(s state) uint64 { return s.Refused.NotFound })},
	{family{"reprise_lookups_refused_total", lookupsRefused, counter, "reason", "principal"},
		is(func(s state) uint64 { return s.Refused.Principal })},
	{family{"reprise_gaps_total", gapsHelp, counter, "reason", "evicted"},
		is(func(s state) uint64 { return s.GapsBy.Evicted })},
	{family{"reprise_gaps_total", gapsHelp, counter, "reason", "unknown"},
		is(func(s state) uint64 { return s.GapsBy.Unknown })},
	{family{"reprise_gaps_total", gapsHelp, counter, "reason", "overtaken"},
		is(func(s state) uint64 { return s.GapsBy.Overtaken })},
	{family{"reprise_sessions_unhealthy", unhealthyHelp, gauge, "problem", "any"},
		is(func(s state) int { return s.census.Unhealthy })},
	{family{"reprise_sessions_unhealthy", unhealthyHelp, gauge, "problem", "overtaken"},
		is(func(s state) int { return s.census.Overtaken })},
	{family{"reprise_sessions_unhealthy", unhealthyHelp, gauge, "problem", "lagging"},
		is(func(s state) int { return s.census.Lagging })},
	{family{"reprise_sessions_unhealthy", unhealthyHelp, gauge, "problem", "evicting"},
		is(func(s state) int { return s.census.Evicting })},
	{family{"reprise_sessions_unhealthy", unhealthyHelp, gauge, "problem", "unread"},
		is(func(s state) int { return s.census.Unread })},
	{family{"reprise_sessions_unhealthy", unhealthyHelp, gauge, "problem", "expiring"},
		is(func(s state) int { return s.census.Expiring })},
}
