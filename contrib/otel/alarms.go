package otel

import "go.opentelemetry.io/otel/attribute"

const (
	unhealthyText = "Active sessions with a problem, as shard.Session.Health says; any counts each of them once."
	gapsText      = "Readers told that events are missing: those before where they wanted to resume, after an " +
		"event ID that is not known, while they were reading."
	sessionsRefused = "Sessions that were not created, by reason."
	readersRefused  = "Readers that were not attached, by reason."
	eventsRefused   = "Appends that stored nothing, by reason; those of a retained event ID are counted apart."
	claimsRefused   = "Keys that were not claimed, by reason."
	lookupsRefused  = "Sessions that were not found, or belong to another principal."
)

func problem(p string) attribute.KeyValue { return attribute.String("problem", p) }

// alarmInstruments are what a Manager refused, and what is about to go wrong.
var alarmInstruments = []managerInstrument{
	{instrument{"reprise.session.refused", "{session}", sessionsRefused, rises, reason("session_limit")},
		func(s state) int64 { return int64(s.Refused.SessionLimit) }},
	{instrument{"reprise.session.refused", "{session}", sessionsRefused, rises, reason("principal_limit")},
		func(s state) int64 { return int64(s.Refused.PrincipalLimit) }},
	{instrument{"reprise.session.refused", "{session}", sessionsRefused, rises, reason("exists")},
		func(s state) int64 { return int64(s.Refused.Exists) }},
	{instrument{"reprise.session.refused", "{session}", sessionsRefused, rises, reason("invalid_id")},
		func(s state) int64 { return int64(s.Refused.InvalidID) }},
	{instrument{"reprise.session.refused", "{session}", sessionsRefused, rises, reason("invalid_metadata")},
		func(s state) int64 { return int64(s.Refused.InvalidMetadata) }},
	{instrument{"reprise.reader.refused", "{reader}", readersRefused, rises, reason("attach_limit")},
		func(s state) int64 { return int64(s.Refused.AttachLimit) }},
	{instrument{"reprise.event.refused", "{event}", eventsRefused, rises, reason("over_budget")},
		func(s state) int64 { return int64(s.Refused.OverBudget) }},
	{instrument{"reprise.event.refused", "{event}", eventsRefused, rises, reason("too_large")},
		func(s state) int64 { return int64(s.Refused.TooLarge) }},
	{instrument{"reprise.event.refused", "{event}", eventsRefused, rises, reason("invalid")},
		func(s state) int64 { return int64(s.Refused.InvalidEvent) }},
	{instrument{"reprise.event.refused", "{event}", eventsRefused, rises, reason("finished")},
		func(s state) int64 { return int64(s.Refused.AppendFinished) }},
	{instrument{"reprise.event.refused", "{event}", eventsRefused, rises, reason("ended")},
		func(s state) int64 { return int64(s.Refused.AppendEnded) }},
	{instrument{"reprise.claim.refused", "{claim}", claimsRefused, rises, reason("claimed")},
		func(s state) int64 { return int64(s.Refused.Claimed) }},
	{instrument{"reprise.claim.refused", "{claim}", claimsRefused, rises, reason("claim_limit")},
		func(s state) int64 { return int64(s.Refused.ClaimLimit) }},
	{instrument{"reprise.lookup.refused", "{lookup}", lookupsRefused, rises, reason("not_found")},
		func(s state) int64 { return int64(s.Refused.NotFound) }},
	{instrument{"reprise.lookup.refused", "{lookup}", lookupsRefused, rises, reason("principal")},
		func(s state) int64 { return int64(s.Refused.Principal) }},
	{instrument{"reprise.gap.count", "{gap}", gapsText, rises, reason("evicted")},
		func(s state) int64 { return int64(s.GapsBy.Evicted) }},
	{instrument{"reprise.gap.count", "{gap}", gapsText, rises, reason("unknown")},
		func(s state) int64 { return int64(s.GapsBy.Unknown) }},
	{instrument{"reprise.gap.count", "{gap}", gapsText, rises, reason("overtaken")},
		func(s state) int64 { return int64(s.GapsBy.Overtaken) }},
	{instrument{"reprise.session.unhealthy", "{session}", unhealthyText, !rises, problem("any")},
		func(s state) int64 { return int64(s.census.Unhealthy) }},
	{instrument{"reprise.session.unhealthy", "{session}", unhealthyText, !rises, problem("overtaken")},
		func(s state) int64 { return int64(s.census.Overtaken) }},
	{instrument{"reprise.session.unhealthy", "{session}", unhealthyText, !rises, problem("lagging")},
		func(s state) int64 { return int64(s.census.Lagging) }},
	{instrument{"reprise.session.unhealthy", "{session}", unhealthyText, !rises, problem("evicting")},
		func(s state) int64 { return int64(s.census.Evicting) }},
	{instrument{"reprise.session.unhealthy", "{session}", unhealthyText, !rises, problem("unread")},
		func(s state) int64 { return int64(s.census.Unread) }},
	{instrument{"reprise.session.unhealthy", "{session}", unhealthyText, !rises, problem("expiring")},
		func(s state) int64 { return int64(s.census.Expiring) }},
}
