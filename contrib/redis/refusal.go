package redis

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// What a script may refuse, and why. The scripts have the same names, in capitals, from codeNames.
const (
	codeNotFound int64 = iota + 1
	codeFinished
	codeExists
	codeAttachLimit
	codeEvicted
	codeUnknownID
	codeLost
	codeBusy // somebody else was faster, or the call too slow
	codeUncertain
	codeWrongPrincipal
	codeOtherConfig
	codeDamaged
	codeAbandoned // a reader that its caller has given up
	codeFenced
	codeHeld
	codeMissing
	codeInvalidID
	codeTooLarge
	codeBatchTooLarge
	codeDuplicate
	codeClaimed
	codeClaimLimit
	codeInvalidClaim
	codeHint // no refusal: the registry of places should hear that the session lives on
)

var codeNames = [...]string{
	codeNotFound: "NOT_FOUND", codeFinished: "FINISHED", codeExists: "EXISTS", codeAttachLimit: "ATTACH_LIMIT",
	codeEvicted: "EVICTED", codeUnknownID: "UNKNOWN_ID", codeLost: "LOST", codeBusy: "BUSY",
	codeUncertain: "UNCERTAIN", codeWrongPrincipal: "WRONG_PRINCIPAL", codeOtherConfig: "OTHER_CONFIG",
	codeDamaged: "DAMAGED", codeAbandoned: "ABANDONED", codeFenced: "FENCED", codeHeld: "HELD",
	codeMissing: "MISSING", codeInvalidID: "INVALID_ID", codeTooLarge: "TOO_LARGE",
	codeBatchTooLarge: "BATCH_TOO_LARGE",
	codeDuplicate:     "DUPLICATE", codeClaimed: "CLAIMED", codeClaimLimit: "CLAIM_LIMIT",
	codeInvalidClaim: "INVALID_CLAIM", codeHint: "HINT",
}

// luaNames declares the names for a script, in one line.
func luaNames() string {
	names, codes := codeNames[1:], make([]string, len(codeNames)-1)
	for i := range codes {
		codes[i] = strconv.Itoa(i + 1)
	}
	return "local " + strings.Join(names, ", ") + " = " + strings.Join(codes, ", ") + "\n"
}

// errConflict is codeBusy; it does not leave the package.
var errConflict = errors.New("redis: try again")

// errUncertain is codeUncertain.
var errUncertain = fmt.Errorf(
	"%w: the answer to an append was lost; whether the event was stored, and evicted since, cannot be told",
	ErrUnavailable,
)

// refusal is the error for a number that a script answers.
func refusal(code int64, id string) error {
	switch code {
	case codeNotFound:
		return about(shard.ErrNotFound, id)
	case codeFinished:
		return about(shard.ErrFinished, id)
	case codeExists:
		return about(shard.ErrExists, id)
	case codeAttachLimit:
		return about(shard.ErrAttachLimit, id)
	case codeEvicted:
		return ring.ErrEvicted
	case codeUnknownID:
		return ring.ErrUnknownID
	case codeLost:
		return fmt.Errorf("%w: %w", ring.ErrEvicted, ErrLost)
	case codeBusy:
		return errConflict
	case codeUncertain:
		return errUncertain
	case codeWrongPrincipal:
		return about(shard.ErrPrincipal, id)
	case codeOtherConfig:
		return fmt.Errorf("%w: %.64q", ErrConfig, id)
	case codeDamaged:
		return fmt.Errorf("%w: %w: %.64q: the server has dropped a part of it", shard.ErrNotFound, ErrLost, id)
	case codeFenced:
		return about(replay.ErrFenced, id)
	case codeClaimed:
		return about(shard.ErrClaimed, id)
	case codeInvalidClaim:
		return shard.ErrInvalidClaim
	case codeClaimLimit:
		return about(shard.ErrClaimLimit, id)
	}
	return fmt.Errorf("%w: a script answered %d", ErrUnavailable, code)
}

// explained is the error for a refusal that comes with details.
func explained(code int64, list []rueidis.RedisMessage, id string) error {
	detail := func(i int) string {
		if i < len(list) {
			return text(list[i])
		}
		return ""
	}
	amount := func(i int) int64 {
		if i < len(list) && list[i].IsInt64() {
			return number(list[i])
		}
		n, _ := strconv.ParseInt(detail(i), 10, 64)
		return n
	}
	switch code {
	case codeHeld:
		return &replay.HeldError{ID: id, Holder: detail(1), Left: time.Duration(amount(2)) * time.Millisecond}
	case codeMissing:
		return &replay.MissingError{Last: uint64(amount(1))}
	case codeInvalidID:
		return ring.Config{MaxIDBytes: int(amount(2)), StrictIDs: amount(3) != 0}.Check(ring.Event{ID: detail(1)})
	case codeTooLarge:
		return fmt.Errorf(
			"%w: its size is %d bytes and %d of overhead; the session takes events of %d bytes, "+
				"and retains %d with their overhead",
			ring.ErrEventTooLarge, amount(1), ring.Overhead, amount(2), amount(3),
		)
	case codeDuplicate:
		return errDuplicate
	case codeBatchTooLarge:
		return fmt.Errorf("%w: %d events of %d bytes with their overhead; the session retains %d events and %d bytes",
			ring.ErrEventTooLarge, amount(1), amount(2), amount(3), amount(4))
	}
	return refusal(code, id)
}

// refused returns the error that an answer is, or nil when it is none.
func refused(m rueidis.RedisMessage, id string) error {
	if m.IsInt64() {
		if n := number(m); n != 0 && n != codeHint {
			return refusal(n, id)
		}
		return nil
	}
	if list, err := m.ToArray(); err == nil && len(list) > 0 && list[0].IsInt64() && number(list[0]) < 0 {
		return explained(-number(list[0]), list, id)
	}
	return nil
}
