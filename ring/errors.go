package ring

import (
	"errors"
	"fmt"
)

// Errors of appending and reading come wrapped, with the values that they are about: use errors.Is.
// Each costs one allocation, and is formatted when somebody asks for its text.
var (
	ErrClosed        = errors.New("ring: closed")
	ErrDuplicateID   = errors.New("ring: duplicate event ID")
	ErrInvalidEvent  = errors.New("ring: invalid event")
	ErrEventTooLarge = errors.New("ring: event too large")
	ErrUnknownID     = errors.New("ring: unknown event ID")
	ErrEvicted       = errors.New("ring: events evicted")
	ErrOverBudget    = errors.New("ring: shared byte budget exhausted")
)

// A ConfigError is a limit that is out of range.
type ConfigError struct {
	Field        string // of Config
	Value        int64
	Max, Default int64 // what it may be: 1 to Max, or 0 for Default
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("ring: Config.%s is %d, want 1 to %d, or 0 for %d", e.Field, e.Value, e.Max, e.Default)
}

// A FieldError is ErrInvalidEvent, with the field of the event that cannot be stored and its value.
type FieldError struct {
	Field, Value string // Field is ID, Stream, Type or Time
	Problem      string // in words
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%v: %s is %.100q, %d bytes: %s", ErrInvalidEvent, e.Field, e.Value, len(e.Value), e.Problem)
}

func (e *FieldError) Unwrap() error { return ErrInvalidEvent }

// An idError is one about an event ID or the ID of a place.
type idError struct {
	err   error
	id    string
	about string // a format for id, and for seq if that is not 0
	seq   uint64
}

func unknown(id string) error { return &idError{err: ErrUnknownID, id: id, about: "%.300q"} }

func (e *idError) Error() string {
	args := []any{e.id, e.seq}
	if e.seq == 0 {
		args = args[:1]
	}
	return e.err.Error() + ": " + fmt.Sprintf(e.about, args...)
}

func (e *idError) Unwrap() error { return e.err }

// A sizeError is ErrEventTooLarge for one event.
type sizeError struct{ size, maxEventBytes, maxBytes int }

func (e *sizeError) Error() string {
	if e.size > e.maxEventBytes {
		return fmt.Sprintf("%v: its size is %d bytes, Config.MaxEventBytes is %d",
			ErrEventTooLarge, e.size, e.maxEventBytes)
	}
	return fmt.Sprintf("%v: its size is %d bytes and %d of overhead, Config.MaxBytes is %d",
		ErrEventTooLarge, e.size, Overhead, e.maxBytes)
}

func (e *sizeError) Unwrap() error { return ErrEventTooLarge }

// A batchError is ErrEventTooLarge for several events together.
type batchError struct {
	events uint64
	bytes  int64
	limits *Group
}

func (e *batchError) Error() string {
	return fmt.Sprintf("%v: a batch of %d events and %d bytes with overhead; MaxEvents is %d, MaxBytes is %d",
		ErrEventTooLarge, e.events, e.bytes, e.limits.maxEvents, e.limits.maxBytes)
}

func (e *batchError) Unwrap() error { return ErrEventTooLarge }

// A budgetError is ErrOverBudget.
type budgetError struct{ needed, left int64 }

func (e *budgetError) Error() string {
	return fmt.Sprintf("%v: %d bytes are needed, %d are left", ErrOverBudget, e.needed, e.left)
}

func (e *budgetError) Unwrap() error { return ErrOverBudget }

// An overtakenError is ErrEvicted for a cursor.
type overtakenError struct{ seq uint64 }

func (e *overtakenError) Error() string {
	return fmt.Sprintf("%v: the event after sequence %d is no longer retained", ErrEvicted, e.seq)
}

func (e *overtakenError) Unwrap() error { return ErrEvicted }
