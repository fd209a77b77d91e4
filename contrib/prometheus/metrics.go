package prometheus

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// A family is one metric, or one of several that share a name and differ in a label.
type family struct {
	name, help   string
	kind         prometheus.ValueType
	label, value string // label: "" without
}

func (f family) labels() []string {
	if f.label == "" {
		return nil
	}
	return []string{f.label}
}

func (f family) values() []string {
	if f.label == "" {
		return nil
	}
	return []string{f.value}
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

// state is a Manager at one moment.
type state struct {
	shard.Stats
	cfg    shard.Config
	census shard.Census
}

const (
	sessionsHelp = "Sessions by state: active ones take events or have finished, lingering ones have ended and " +
		"still tell how."
	endedHelp = "Sessions that have ended, by reason: terminated by a client or the application, expired for " +
		"want of activity, finished."
	droppedHelp = "Streams that the server ended, by reason: slow clients let a write time out, overtaken ones " +
		"missed events, replaced ones came again."
)

// managerMetrics are what a Manager counts; of returns false where there is nothing to tell, such
// as a limit that is not set.
var managerMetrics = append([]managerMetric{
	{family{"reprise_sessions", sessionsHelp, gauge, "state", "active"}, is(func(s state) int { return s.Active })},
	{family{"reprise_sessions", sessionsHelp, gauge, "state", "lingering"},
		is(func(s state) int { return max(0, s.Total-s.Active) })},
	{family{"reprise_sessions_limit", "Active sessions that the configuration allows; missing without limit.", gauge,
		"", ""},
		func(s state) (float64, bool) { return float64(s.cfg.MaxSessions), s.cfg.MaxSessions > 0 }},
	{family{"reprise_sessions_created_total", "Sessions created.", counter, "", ""},
		is(func(s state) uint64 { return s.Created })},
	{family{"reprise_sessions_ended_total", endedHelp, counter, "reason", "terminated"},
		is(func(s state) uint64 { return s.Terminated })},
	{family{"reprise_sessions_ended_total", endedHelp, counter, "reason", "expired"},
		is(func(s state) uint64 { return s.Expired })},
	{family{"reprise_sessions_ended_total", endedHelp, counter, "reason", "finished"},
		is(func(s state) uint64 { return s.Finished })},
	{family{"reprise_readers", "Readers attached to all sessions: open connections.", gauge, "", ""},
		is(func(s state) int { return s.Attached })},
	{family{"reprise_events_retained", "Events that can be replayed.", gauge, "", ""},
		is(func(s state) int64 { return s.Events })},
	{family{"reprise_retained_bytes", "Size of the events that can be replayed, as the budget counts it.", gauge, "",
		""},
		is(func(s state) int64 { return s.Bytes })},
	{family{"reprise_retained_limit_bytes", "The budget: event bytes that all sessions together may retain; " +
		"missing without limit.", gauge, "", ""},
		func(s state) (float64, bool) { return float64(s.cfg.MaxBytes), s.cfg.MaxBytes > 0 }},
	{family{"reprise_memory_bytes", "Estimate of the heap that the sessions hold, overhead included.", gauge, "", ""},
		is(func(s state) int64 { return s.Memory })},
	{family{"reprise_events_appended_total", "Events stored.", counter, "", ""},
		is(func(s state) uint64 { return s.Appended })},
	{family{"reprise_events_evicted_total", "Events dropped to stay within the limits.", counter, "", ""},
		is(func(s state) uint64 { return s.Evicted })},
	{family{"reprise_appended_bytes_total", "Size of the events stored, as the budget counts it.", counter, "", ""},
		is(func(s state) uint64 { return s.AppendedBytes })},
	{family{"reprise_evicted_bytes_total", "Size of the events dropped to stay within the limits, as the budget " +
		"counts it.", counter, "", ""},
		is(func(s state) uint64 { return s.EvictedBytes })},
	{family{"reprise_events_replayed_total", "Events handed to readers that were stored before the reader came.",
		counter, "", ""},
		is(func(s state) uint64 { return s.Replayed })},
	{family{"reprise_events_duplicate_total", "Appends refused because their event ID was retained.", counter, "", ""},
		is(func(s state) uint64 { return s.Duplicates })},
}, alarmMetrics...)

type managerMetric struct {
	family
	of func(state) (float64, bool)
}

func is[T int | int64 | uint64](of func(state) T) func(state) (float64, bool) {
	return func(s state) (float64, bool) { return float64(of(s)), true }
}

var latencyMetrics = []struct {
	name, help string
	of         func(shard.Latencies) shard.Histogram
}{
	{"reprise_append_duration_seconds", "Time to store an event, of a sample of all appends.",
		func(l shard.Latencies) shard.Histogram { return l.Append }},
	{"reprise_wakeup_duration_seconds", "Time from an event being stored until a reader that waited for it " +
		"runs, of a sample of all.",
		func(l shard.Latencies) shard.Histogram { return l.WakeUp }},
}

// handlerMetrics are what a Handler counts. They have the label "handler" before their own.
var handlerMetrics = []struct {
	family
	of func(replay.HandlerStats) float64
}{
	{family{"reprise_streams", "Streams open.", gauge, "", ""},
		func(s replay.HandlerStats) float64 { return float64(s.Open) }},
	{family{"reprise_streams_started_total", "Streams begun.", counter, "", ""},
		func(s replay.HandlerStats) float64 { return float64(s.Streams) }},
	{family{"reprise_streams_resumed_total", "Streams begun after a Last-Event-ID.", counter, "", ""},
		func(s replay.HandlerStats) float64 { return float64(s.Resumed) }},
	{family{"reprise_streams_dropped_total", droppedHelp, counter, "reason", "slow"},
		func(s replay.HandlerStats) float64 { return float64(s.Slow) }},
	{family{"reprise_streams_dropped_total", droppedHelp, counter, "reason", "overtaken"},
		func(s replay.HandlerStats) float64 { return float64(s.Overtaken) }},
	{family{"reprise_streams_dropped_total", droppedHelp, counter, "reason", "replaced"},
		func(s replay.HandlerStats) float64 { return float64(s.Replaced) }},
	{family{"reprise_streams_truncated_total",
		"Streams begun for everything, when the first events were gone already.", counter, "", ""},
		func(s replay.HandlerStats) float64 { return float64(s.Truncated) }},
	{family{"reprise_streams_written_events_total", "Events written to streams.", counter, "", ""},
		func(s replay.HandlerStats) float64 { return float64(s.Events) }},
	{family{"reprise_streams_written_bytes_total", "Bytes written to streams.", counter, "", ""},
		func(s replay.HandlerStats) float64 { return float64(s.Bytes) }},
	{family{"reprise_streams_gaps_total", "Gap events written to streams.", counter, "", ""},
		func(s replay.HandlerStats) float64 { return float64(s.Gaps) }},
}

// answers has as many values as there are statuses.
var answers = family{"reprise_answers_total", "Requests answered without a stream, by HTTP status.", counter, "code",
	""}

func code(status int) string { return strconv.Itoa(status) }
