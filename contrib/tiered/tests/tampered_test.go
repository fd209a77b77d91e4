package tests

import (
	"context"
	"errors"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// errTampered is what a call to the Store behind fails with on purpose.
var errTampered = errors.New("a fault of the test's")

// whole is what stands behind.
type whole interface {
	replay.Store
	replay.Leaser
	replay.Claimer
}

// tampered is a Store behind with which a test interferes. on is called before each call with
// false, and an error is the answer; and after it with true, and an error is the answer in place of
// the one that there was. It is called concurrently, with the name of the call.
type tampered struct {
	whole
	on func(ctx context.Context, call string, done bool) error
}

func (s tampered) do(ctx context.Context, call string, do func() error) error {
	if err := s.on(ctx, call, false); err != nil {
		return err
	}
	err := do()
	if lost := s.on(ctx, call, true); lost != nil {
		return lost
	}
	return err
}

func (s tampered) Info(ctx context.Context, id string) (info shard.Info, err error) {
	err = s.do(ctx, "Info", func() error { info, err = s.whole.Info(ctx, id); return err })
	return info, err
}

func (s tampered) Claim(ctx context.Context, id, key string) error {
	return s.do(ctx, "Claim", func() error { return s.whole.Claim(ctx, id, key) })
}

func (s tampered) Open(ctx context.Context, id string, at replay.Position) (r replay.Reader, err error) {
	err = s.do(ctx, "Open", func() error { r, err = s.whole.Open(ctx, id, at); return err })
	return r, err
}

func (s tampered) Acquire(ctx context.Context, id string, l replay.Lease) (w replay.Writer, err error) {
	err = s.do(ctx, "Acquire", func() error { w, err = s.whole.Acquire(ctx, id, l); return err })
	if err != nil {
		return nil, err
	}
	return tamperedWriter{w, s}, nil
}

func (s tampered) CreateHeld(ctx context.Context, o shard.Options, l replay.Lease) (w replay.Writer, err error) {
	err = s.do(ctx, "CreateHeld", func() error { w, err = s.whole.CreateHeld(ctx, o, l); return err })
	if err != nil {
		return nil, err
	}
	return tamperedWriter{w, s}, nil
}

type tamperedWriter struct {
	replay.Writer
	store tampered
}

func (w tamperedWriter) Append(ctx context.Context, es []ring.Event) error {
	return w.store.do(ctx, "Append", func() error { return w.Writer.Append(ctx, es) })
}

func (w tamperedWriter) Update(ctx context.Context, change func(*shard.Metadata)) error {
	return w.store.do(ctx, "Update", func() error { return w.Writer.Update(ctx, change) })
}

func (w tamperedWriter) Finish(ctx context.Context) error {
	return w.store.do(ctx, "Finish", func() error { return w.Writer.Finish(ctx) })
}

func (w tamperedWriter) Renew(ctx context.Context) error {
	return w.store.do(ctx, "Renew", func() error { return w.Writer.Renew(ctx) })
}

func (w tamperedWriter) Terminate(ctx context.Context) error {
	return w.store.do(ctx, "Terminate", func() error { return w.Writer.Terminate(ctx) })
}
