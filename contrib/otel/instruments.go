package otel

import (
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
	"go.opentelemetry.io/otel/attribute"
)

// An instrument is one observable instrument, or one of several attributes of one.
type instrument struct {
	name, unit, description string
	rises                   bool               // a counter; else it goes up and down
	attribute               attribute.KeyValue // invalid: none
}

const rises = true

// state is a Manager at one moment.
type state struct {
	shard.Stats
	cfg    shard.Config
	census shard.Census
}

const (
	sessionsText = "Sessions by state: active ones take events or have finished, lingering ones have ended and " +
		"still tell how."
	endedText = "Sessions that have ended: terminated by a client or the application, expired for want of " +
		"activity, finished."
	droppedText = "Streams that the server ended: slow clients let a write time out, overtaken ones missed " +
		"events, replaced ones came again."
)

var none attribute.KeyValue

func reason(r string) attribute.KeyValue { return attribute.String("reason", r) }

func stateOf(s string) attribute.KeyValue { return attribute.String("state", s) }

// managerInstruments are what a Manager counts; of returns a negative number where there is nothing
// to tell, such as a limit that is not set.
var managerInstruments = append([]managerInstrument{
	{instrument{"reprise.session.count", "{session}", sessionsText, !rises, stateOf("active")},
		func(s state) int64 { return int64(s.Active) }},
	{instrument{"reprise.session.count", "{session}", sessionsText, !rises, stateOf("lingering")},
		func(s state) int64 { return int64(max(0, s.Total-s.Active)) }},
	{instrument{"reprise.session.limit", "{session}",
		"Active sessions that the configuration allows; missing without limit.", !rises, none},
		func(s state) int64 { return int64(s.cfg.MaxSessions) }},
	{instrument{"reprise.session.created", "{session}", "Sessions created.", rises, none},
		func(s state) int64 { return int64(s.Created) }},
	{instrument{"reprise.session.ended", "{session}", endedText, rises, reason("terminated")},
		func(s state) int64 { return int64(s.Terminated) }},
	{instrument{"reprise.session.ended", "{session}", endedText, rises, reason("expired")},
		func(s state) int64 { return int64(s.Expired) }},
	{instrument{"reprise.session.ended", "{session}", endedText, rises, reason("finished")},
		func(s state) int64 { return int64(s.Finished) }},
	{instrument{"reprise.reader.count", "{reader}", "Readers attached to all sessions: open connections.", !rises,
		none},
		func(s state) int64 { return int64(s.Attached) }},
	{instrument{"reprise.event.retained", "{event}", "Events that can be replayed.", !rises, none},
		func(s state) int64 { return s.Events }},
	{instrument{"reprise.budget.usage", "By", "Size of the events that can be replayed.", !rises, none},
		func(s state) int64 { return s.Bytes }},
	{instrument{"reprise.budget.limit", "By", "Event bytes that all sessions together may retain; missing " +
		"without limit.", !rises, none},
		func(s state) int64 { return s.cfg.MaxBytes }},
	{instrument{"reprise.memory.usage", "By", "Estimate of the heap that the sessions hold, overhead included.",
		!rises, none},
		func(s state) int64 { return s.Memory }},
	{instrument{"reprise.event.appended", "{event}", "Events stored.", rises, none},
		func(s state) int64 { return int64(s.Appended) }},
	{instrument{"reprise.event.evicted", "{event}", "Events dropped to stay within the limits.", rises, none},
		func(s state) int64 { return int64(s.Evicted) }},
	{instrument{"reprise.event.appended.size", "By", "Size of the events stored, as the budget counts it.", rises,
		none},
		func(s state) int64 { return int64(s.AppendedBytes) }},
	{instrument{"reprise.event.evicted.size", "By",
		"Size of the events dropped to stay within the limits, as the budget counts it.", rises, none},
		func(s state) int64 { return int64(s.EvictedBytes) }},
	{instrument{"reprise.event.replayed", "{event}",
		"Events handed to readers that were stored before the reader came.", rises, none},
		func(s state) int64 { return int64(s.Replayed) }},
	{instrument{"reprise.event.duplicate", "{event}", "Appends refused because their event ID was retained.", rises,
		none},
		func(s state) int64 { return int64(s.Duplicates) }},
}, alarmInstruments...)

type managerInstrument struct {
	instrument
	of func(state) int64
}

// handlerInstruments are what a Handler counts. They have the attribute "handler" before their own.
var handlerInstruments = []struct {
	instrument
	of func(replay.HandlerStats) int64
}{
	{instrument{"reprise.stream.count", "{stream}", "Streams open.", !rises, none},
		func(s replay.HandlerStats) int64 { return int64(s.Open) }},
	{instrument{"reprise.stream.started", "{stream}", "Streams begun.", rises, none},
		func(s replay.HandlerStats) int64 { return int64(s.Streams) }},
	{instrument{"reprise.stream.resumed", "{stream}", "Streams begun after a Last-Event-ID.", rises, none},
		func(s replay.HandlerStats) int64 { return int64(s.Resumed) }},
	{instrument{"reprise.stream.dropped", "{stream}", droppedText, rises, reason("slow")},
		func(s replay.HandlerStats) int64 { return int64(s.Slow) }},
	{instrument{"reprise.stream.dropped", "{stream}", droppedText, rises, reason("overtaken")},
		func(s replay.HandlerStats) int64 { return int64(s.Overtaken) }},
	{instrument{"reprise.stream.dropped", "{stream}", droppedText, rises, reason("replaced")},
		func(s replay.HandlerStats) int64 { return int64(s.Replaced) }},
	{instrument{"reprise.stream.truncated", "{stream}",
		"Streams begun for everything, when the first events were gone already.", rises, none},
		func(s replay.HandlerStats) int64 { return int64(s.Truncated) }},
	{instrument{"reprise.stream.events", "{event}", "Events written to streams.", rises, none},
		func(s replay.HandlerStats) int64 { return int64(s.Events) }},
	{instrument{"reprise.stream.io", "By", "Bytes written to streams.", rises, none},
		func(s replay.HandlerStats) int64 { return int64(s.Bytes) }},
	{instrument{"reprise.stream.gaps", "{gap}", "Gap events written to streams.", rises, none},
		func(s replay.HandlerStats) int64 { return int64(s.Gaps) }},
}

// answers has the attribute "http.response.status_code" too.
var answers = instrument{"reprise.stream.answers", "{request}", "Requests answered without a stream.", rises, none}
