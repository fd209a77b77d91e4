package verdict

import (
	"fmt"
	"time"
)

// A Case is one thing that a store of resumable streams gets right or wrong.
type Case struct {
	Name   string
	Wants  string // what passes
	Source string // who asks for it
	Check  func(Subject) error
}

// Names of the cases.
const (
	exactReplay    = "what was missed"
	newestEvent    = "nothing missed"
	evictedID      = "evicted ID"
	unknownID      = "unknown ID"
	foreignSession = "another session's ID"
	foreignStream  = "another stream"
	racingEviction = "reads racing eviction"
	truncation     = "truncation while iterating"
	handOver       = "exactly-once hand-over"
	duplicateID    = "duplicate IDs"
	slowReader     = "slow reader"
	boundedMemory  = "bounded memory"
	emptyEvents    = "empty events are bounded"
	drainedStreams = "drained streams"
	lateAppend     = "late append"
	endedSession   = "ended session"
	timeToLive     = "TTL"
)

const (
	mcpSpec  = "MCP 2025-11-25, Resumability and Redelivery"
	whatwg   = "WHATWG HTML 9.2.4, Last-Event-ID"
	goSDKDoc = "go-sdk mcp.EventStore"
	mcpGoDoc = "mcp-go server.EventStore"
	goSSEDoc = "go-sse Joe"
)

// Cases lists all.
func Cases() []Case {
	return []Case{
		{exactReplay, "a resume yields the events after Last-Event-ID: all of them, once, in order",
			whatwg + "; " + mcpSpec, replaysWhatWasMissed},
		{newestEvent, "a resume after the newest event yields nothing, and no error, however full the store is",
			whatwg, replaysNothingAfterTheNewest},
		{evictedID, "when events after Last-Event-ID are gone, the resume is an error, not a part of them",
			goSDKDoc + ".After: must not return partial results", tellsOfEviction},
		{unknownID, "an ID that another instance of the store gave out is an error, not an empty or a full replay",
			mcpGoDoc + ": an error wrapping ErrUnknownEventID", refusesUnknownID},
		{foreignSession, "an ID that another session was given is an error, and yields nothing of either",
			mcpGoDoc + ": not known for the given session", refusesAnotherSessionsID},
		{foreignStream, "a resume yields no event of another stream",
			mcpSpec + ": MUST NOT replay messages of a different stream", keepsStreamsApart},
		{racingEviction, "while a writer evicts, a resume yields whole events without a gap, or an error",
			goSDKDoc + ".After", survivesRacingEviction},
		{truncation, "what is evicted while a replay is handed out is handed out, or an error ends it",
			goSDKDoc + ".After", survivesTruncation},
		{
			handOver,
			"a client that is cut again and again while four writers append gets every event once, each writer's in " +
				"order",
			mcpSpec,
			handsOverExactlyOnce,
		},
		{duplicateID, "of eight racing appends of one ID one is stored",
			mcpSpec + ": IDs MUST be unique in the session", storesOneOfRacingDuplicates},
		{slowReader, "a client that stops reading holds up neither appends nor other clients",
			goSSEDoc + ", which warns of it", survivesSlowReader},
		{boundedMemory, "50,000 events of 1 KiB leave less than 8 MiB behind at a limit of 100 events",
			goSDKDoc + ": able to bound resource usage", boundsMemory},
		{emptyEvents, "300,000 events without data leave less than 3 MiB behind at a limit of 100 events",
			mcpSpec + ": a stream begins with an event without data", boundsEmptyEvents},
		{drainedStreams, "10,000 streams that nobody writes to any more do not make an append 30 times as slow",
			goSDKDoc + ": there is no StreamClosed method", ignoresDrainedStreams},
		{lateAppend, "an append after a session's end does not bring it back",
			goSDKDoc + ".SessionClosed; " + mcpGoDoc + ".PurgeSession", refusesLateAppend},
		{endedSession, "a resume of an ended session is an error",
			mcpGoDoc + ".PurgeSession", refusesEndedSession},
		{timeToLive, "with a TTL of two seconds a session stays while it is written to, and is gone five seconds after",
			goSDKDoc + ".SessionClosed: mechanisms such as timeouts", expires},
	}
}

// An Outcome is what became of one case with one subject.
type Outcome struct {
	Case    string
	Subject string
	Passed  bool
	Lacks   string // why the case does not apply; "" if it does
	Failure string // what happened instead
}

// patience is how long one case may take.
const patience = 30 * time.Second

// Try runs a case with a subject. A subject that hangs fails; what it was doing goes on.
func Try(c Case, s Subject) Outcome {
	o := Outcome{Case: c.Name, Subject: s.Name}
	if o.Lacks = s.Lacks[c.Name]; o.Lacks != "" {
		return o
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("panics: %v", p)
			}
		}()
		done <- c.Check(s)
	}()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case err := <-done:
		if o.Passed = err == nil; !o.Passed {
			o.Failure = err.Error()
		}
	case <-limit.C:
		o.Failure = fmt.Sprintf("hangs: not done after %v", patience)
	}
	if says := s.Says[c.Name]; says != "" && !o.Passed {
		o.Failure += fmt.Sprintf(" (documented: %q)", says)
	}
	return o
}
