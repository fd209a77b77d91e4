package redis

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestStoreWithAnotherConfigIsRefused(t *testing.T) {
	client := dial(t, startServer(t))
	one := newStore(t, client, Config{Prefix: "shared"})
	mustCreate(t, one, "s", shard.Metadata{})
	mustStore(t, one, "s", ring.Event{})
	for name, cfg := range map[string]Config{
		"MaxEvents": {Ring: ring.Config{MaxEvents: 7}}, "TTL": {TTL: time.Minute},
		"MaxSessions": {MaxSessions: 5}, "Lease": {Lease: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Prefix = "shared"
			other := newStore(t, client, cfg)
			_, err := other.Append(t.Context(), "s", ring.Event{})
			wantErr(t, "Append", err, ErrConfig)
			_, err = other.Create(t.Context(), "mine", shard.Metadata{})
			wantErr(t, "Create", err, ErrConfig)
			_, err = other.Info(t.Context(), "s")
			wantErr(t, "Info", err, ErrConfig)
		})
	}
	slow := newStore(t, client, Config{Prefix: "shared", Timeout: time.Second})
	wantErr(t, "another Timeout", slow.Touch(t.Context(), "s"), nil)
	if info, err := one.Info(t.Context(), "s"); err != nil || info.Log.Last != 1 {
		t.Errorf("%d events, error %v", info.Log.Last, err)
	}
}

func TestMetadataThatIsNotTextIsRefused(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	for field, md := range map[string]shard.Metadata{
		"Transport": {Transport: "a\xffb"}, "ClientInfo": {ClientInfo: map[string]any{"k": []string{"v\xff"}}},
	} {
		_, err := s.Create(t.Context(), "s", md)
		wantErr(t, "Create", err, shard.ErrInvalidMetadata)
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("error %v does not name %s", err, field)
		}
	}
	mustCreate(t, s, "s", shard.Metadata{Transport: "ü"})
	wantErr(
		t, "Update", s.Update(t.Context(), "s", func(md *shard.Metadata) { md.Transport = "\xff" }),
		shard.ErrInvalidMetadata,
	)
	if info, err := s.Info(t.Context(), "s"); err != nil || info.Transport != "ü" {
		t.Errorf("Transport %q, error %v", info.Transport, err)
	}
}

func TestShortestTTL(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{TTL: time.Millisecond})
	mustCreate(t, s, "s", shard.Metadata{})
}

func TestIDThatIsTakenTakesNoPlace(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{MaxPerPrincipal: 1})
	mustCreate(t, s, "s", shard.Metadata{Principal: "one"})
	_, err := s.Create(t.Context(), "s", shard.Metadata{Principal: "other"})
	wantErr(t, "Create of an ID that is taken", err, shard.ErrExists)
	mustCreate(t, s, "mine", shard.Metadata{Principal: "other"})
}

// Others keep changing the metadata, faster than this Update can.
func TestUpdateThatIsOvertakenKeepsToTimeout(t *testing.T) {
	client := dial(t, startServer(t))
	s := newStore(t, client, Config{Timeout: 300 * time.Millisecond, Prefix: "p"})
	other := newStore(t, client, Config{Prefix: "p"})
	mustCreate(t, s, "s", shard.Metadata{})
	start, n := time.Now(), 0.0
	err := s.Update(t.Context(), "s", func(md *shard.Metadata) {
		md.Transport = "mine"
		n++
		_, before, err := other.describe(t.Context(), "s")
		if err == nil {
			after, _ := encodeMetadata(shard.Metadata{ClientInfo: map[string]any{"n": n}})
			err = other.do(t.Context(), other.scripts.update, "s", []string{other.head, before, after, ""})
		}
		if err != nil {
			t.Error(err)
		}
	})
	wantErr(t, "Update", err, ErrUnavailable)
	if took := time.Since(start); took > Patience/2 || n < 2 {
		t.Errorf("it ended after %v and %v attempts", took, n)
	}
}

// delayed is a client that keeps one command back when it is told to, though the server is well: it
// is sent when its caller has gone.
type delayed struct {
	rueidis.Client
	hold  *atomic.Bool
	later chan rueidis.Completed
}

func (d delayed) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	if d.hold.CompareAndSwap(true, false) {
		d.later <- cmd.Pin()
		<-ctx.Done()
		return rueidis.NewErrorResult(ctx.Err())
	}
	return d.Client.Do(ctx, cmd)
}

// The server attaches a reader whose caller has long gone, even after the Store has detached it.
func TestOpenWhoseCallerHasGoneHoldsNothing(t *testing.T) {
	client := dial(t, startServer(t))
	for _, late := range []bool{false, true} {
		d := delayed{client, new(atomic.Bool), make(chan rueidis.Completed, 1)}
		s := newStore(t, d, Config{MaxAttached: 1})
		mustCreate(t, s, "s", shard.Metadata{})
		mustRead(t, s, "s", replay.Position{}).Close() // the server knows the script
		d.hold.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := s.Open(ctx, "s", replay.Position{})
		cancel()
		wantErr(t, "Open", err, context.DeadlineExceeded)
		cmd := <-d.later
		tombstone := func() bool { return call(t, s, "ZCOUNT", s.buckets.keys("s")[3], "-inf", "(0") == "1" }
		if late {
			Eventually(t, "the reader is detached", tombstone)
		}
		client.Do(t.Context(), cmd)
		Eventually(t, "the place is free", func() bool {
			r, err := s.Open(t.Context(), "s", replay.Position{})
			if err == nil {
				r.Close()
			}
			return err == nil
		})
	}
}

// partly is a client that hangs with renewals, while it is told to.
type partly struct {
	rueidis.Client
	hang *atomic.Bool
}

func (p partly) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	if p.hang.Load() {
		<-ctx.Done()
		return rueidis.NewErrorResult(ctx.Err())
	}
	return p.Client.Do(ctx, cmd)
}

func TestLapsedReaderKeepsToMaxAttached(t *testing.T) {
	client := dial(t, startServer(t))
	hang, cfg := new(atomic.Bool), Config{Prefix: "p", Lease: time.Second, MaxAttached: 1}
	s, other := newStore(t, partly{client, hang}, cfg), newStore(t, client, cfg)
	mustCreate(t, s, "s", shard.Metadata{})
	lapsed := mustRead(t, s, "s", replay.Position{})
	hang.Store(true)
	var r replay.Reader
	Eventually(t, "the lease has run out", func() (ok bool) {
		var err error
		r, err = other.Open(t.Context(), "s", replay.Position{})
		return err == nil
	})
	defer r.Close()
	hang.Store(false)
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	for lapsed.Err() == nil {
		var e ring.Event
		if lapsed.Next(&e) {
			t.Error("there is no event")
		}
		if err := lapsed.Wait(ctx); err != nil && !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
	}
	wantErr(t, "the reader that was away", lapsed.Err(), shard.ErrAttachLimit)
	if info, err := other.Info(t.Context(), "s"); err != nil || info.Attached != 1 {
		t.Errorf("%d attached, error %v", info.Attached, err)
	}
}
