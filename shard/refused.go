package shard

import (
	"errors"

	"github.com/reprise-go/reprise/ring"
)

// Refused counts what was asked of a Manager and not done, ever, by reason. Each refused call
// counts once, a batch of events too.
type Refused struct {
	// Sessions that were not created: for ErrSessionLimit by MaxSessions and by MaxPerPrincipal,
	// for ErrExists, ErrInvalidID, and for metadata that is too large or invalid.
	SessionLimit, PrincipalLimit, Exists, InvalidID, InvalidMetadata uint64

	// Readers that were not attached, for ErrAttachLimit.
	AttachLimit uint64

	// Events that were not stored: for ErrOverBudget, ring.ErrEventTooLarge, ring.ErrInvalidEvent,
	// and because the session had finished or ended. Those refused for their ID are in
	// Stats.Duplicates.
	OverBudget, TooLarge, InvalidEvent, AppendFinished, AppendEnded uint64

	// Keys that were not claimed, for ErrClaimed and ErrClaimLimit.
	Claimed, ClaimLimit uint64

	// Sessions that Get, Authorize and Info did not find, and that Authorize refused for
	// ErrPrincipal.
	NotFound, Principal uint64
}

// Gaps counts readers that were told that events are missing, by the cause.
type Gaps struct {
	Evicted   uint64 // they asked for what came after an event that was dropped
	Unknown   uint64 // they asked for what came after an event ID that is not known
	Overtaken uint64 // they were reading, and events were dropped before they got there
}

// A reason is a field of Refused or Gaps.
type reason int

const (
	sessionLimit reason = iota
	principalLimit
	idExists
	invalidID
	invalidMetadata
	attachLimit
	overBudget
	tooLarge
	invalidEvent
	appendFinished
	appendEnded
	keyClaimed
	claimLimit
	notFound
	wrongPrincipal
	gapEvicted
	gapUnknown
	gapOvertaken
	reasons
)

func (st *Stats) addRefused(n *[reasons]uint64) {
	st.Refused = Refused{
		SessionLimit: n[sessionLimit], PrincipalLimit: n[principalLimit], Exists: n[idExists],
		InvalidID: n[invalidID], InvalidMetadata: n[invalidMetadata],
		AttachLimit: n[attachLimit],
		OverBudget:  n[overBudget], TooLarge: n[tooLarge], InvalidEvent: n[invalidEvent],
		AppendFinished: n[appendFinished], AppendEnded: n[appendEnded],
		Claimed: n[keyClaimed], ClaimLimit: n[claimLimit],
		NotFound: n[notFound], Principal: n[wrongPrincipal],
	}
	st.GapsBy = Gaps{Evicted: n[gapEvicted], Unknown: n[gapUnknown], Overtaken: n[gapOvertaken]}
	st.Gaps = n[gapEvicted] + n[gapUnknown] + n[gapOvertaken]
}

// refuse counts err under r, and returns it.
func (sh *shard) refuse(r reason, err error) error {
	sh.refused[r].Add(1)
	return err
}

// notCreated counts why a session was not created, and returns err; nil counts nothing.
func (m *Manager) notCreated(err error) error {
	sh := &m.shards[0] // any will do: the counters are added up
	var limit *limitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limit) && limit.principal:
		return sh.refuse(principalLimit, err)
	case errors.Is(err, ErrSessionLimit):
		return sh.refuse(sessionLimit, err)
	case errors.Is(err, ErrExists):
		return sh.refuse(idExists, err)
	case errors.Is(err, ErrInvalidID):
		return sh.refuse(invalidID, err)
	case errors.Is(err, ErrMetadataTooLarge), errors.Is(err, ErrInvalidMetadata):
		return sh.refuse(invalidMetadata, err)
	}
	return err
}

// appendFailed returns what an append returns for err, which its log or the session's state gave
// it, and counts why.
func (s *Session) appendFailed(err error) error {
	if errors.Is(err, ring.ErrClosed) {
		err = s.logClosed()
	}
	switch {
	case errors.Is(err, ErrFinished):
		return s.home.refuse(appendFinished, err)
	case errors.Is(err, ErrNotFound):
		return s.home.refuse(appendEnded, err)
	case errors.Is(err, ring.ErrInvalidEvent):
		return s.home.refuse(invalidEvent, err)
	case errors.Is(err, ring.ErrEventTooLarge):
		return s.home.refuse(tooLarge, err)
	case errors.Is(err, ErrOverBudget):
		return s.home.refuse(overBudget, err)
	}
	return err // a duplicate, which the log has counted
}
