package pebble

import (
	"errors"
	"fmt"
	"syscall"

	engine "github.com/cockroachdb/pebble/v2"
)

// Errors are returned wrapped, with what they are about: use errors.Is. The ones of packages shard
// and ring mean here what they mean on every Store.
var (
	// ErrLocked means that another Store, in this process or another, has the directory open.
	ErrLocked = errors.New("pebble: directory is in use")

	// ErrFormat means that the directory was written by something else, or in a format that this
	// version does not read. Nothing in it was changed.
	ErrFormat = errors.New("pebble: not a directory of this format")

	// ErrCorrupt means that what is on disk is not what was written. Whatever else can be read
	// still is.
	ErrCorrupt = errors.New("pebble: data is corrupt")

	// ErrDiskFull means that the disk has less than Config.MinFree left. Nothing was written;
	// sessions can be read and ended, and everything works again as soon as there is room. Together
	// with ErrFailed it means that the disk was full all the same.
	ErrDiskFull = errors.New("pebble: disk is full")

	// ErrFailed means that a write to the disk has failed. Whether the one that was under way took
	// place is not known. No other is confirmed until the directory has been closed and opened
	// again; what was confirmed before can still be read.
	ErrFailed = errors.New("pebble: write failed, open the directory again")
)

// failure is the error that ends all writing, for a cause that the engine reported.
func failure(cause error) error {
	if errors.Is(cause, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w: %w", ErrFailed, ErrDiskFull, cause)
	}
	if engine.IsCorruptionError(cause) {
		return fmt.Errorf("%w: %w: %w", ErrFailed, ErrCorrupt, cause)
	}
	return fmt.Errorf("%w: %w", ErrFailed, cause)
}

// unreadable is the error for what the engine could not read.
func unreadable(cause error) error {
	if engine.IsCorruptionError(cause) {
		return fmt.Errorf("%w: %w", ErrCorrupt, cause)
	}
	return fmt.Errorf("pebble: reading: %w", cause)
}

func about(err error, id string) error { return &idError{err, id} }

// An idError is about the ID of a session or an event, and formatted when somebody asks for its
// text.
type idError struct {
	err error
	id  string
}

func (e *idError) Error() string { return fmt.Sprintf("%v: %.64q", e.err, e.id) }
func (e *idError) Unwrap() error { return e.err }
