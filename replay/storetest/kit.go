package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A kit is what a case works with. Its methods end the case when something fails that must not.
type kit struct {
	testing.TB
	subject Subject
	ctx     context.Context // ends when nothing more is to be hoped for, or the case has failed
	cancel  context.CancelFunc
	stores  []replay.Store
	turn    atomic.Uint64
	needs   Feature // of the case
}

func newKit(t testing.TB, s Subject) *kit {
	patience := 3 * time.Minute
	if s.FakeTime {
		patience = time.Hour
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return &kit{TB: t, subject: s, ctx: ctx, cancel: cancel}
}

// start opens the Store.
func (k *kit) start(cfg Config) {
	k.Helper()
	first := k.subject.Open(k.TB, cfg)
	k.stores = []replay.Store{first}
	if k.subject.Beside != nil {
		k.stores = append(k.stores, k.subject.Beside(k.TB, first))
	}
	if k.needs&Finishing != 0 && !k.canFinish() {
		k.Skip("left out: the Store is no replay.Finisher, and Subject.Finish is nil")
	}
}

// canFinish reports whether there is a way to finish a session of the Store.
func (k *kit) canFinish() bool {
	_, ok := k.stores[0].(replay.Finisher)
	return k.subject.Lacks&Finishing == 0 && (ok || k.subject.ownFinish)
}

// any returns one of the Stores, in turn.
func (k *kit) any() replay.Store { return k.stores[k.turn.Add(1)%uint64(len(k.stores))] }

func (k *kit) create(id string) string {
	k.Helper()
	return k.createWith(id, shard.Metadata{})
}

func (k *kit) createWith(id string, md shard.Metadata) string {
	k.Helper()
	made, err := k.any().Create(k.ctx, id, md)
	if err != nil {
		k.Fatalf("Create %q: %v", id, err)
	}
	if id != "" && made != id {
		k.Fatalf("Create %q returned %q", id, made)
	}
	return made
}

func (k *kit) append(id string, e ring.Event) ring.Event {
	k.Helper()
	stored, err := k.any().Append(k.ctx, id, e)
	if err != nil {
		k.Fatalf("Append to %q: %v", id, err)
	}
	return stored
}

// add appends events without an ID, "stream:data" or "data" each, and returns them as stored.
func (k *kit) add(id string, specs ...string) []ring.Event {
	k.Helper()
	var stored []ring.Event
	for _, spec := range specs {
		stream, data, ok := strings.Cut(spec, ":")
		if !ok {
			stream, data = "", spec
		}
		stored = append(stored, k.append(id, ring.Event{Stream: stream, Data: []byte(data)}))
	}
	return stored
}

func (k *kit) info(id string) shard.Info {
	k.Helper()
	info, err := k.any().Info(k.ctx, id)
	if err != nil {
		k.Fatalf("Info of %q: %v", id, err)
	}
	return info
}

func (k *kit) terminate(id string) {
	k.Helper()
	if err := k.any().Terminate(k.ctx, id); err != nil {
		k.Fatalf("Terminate %q: %v", id, err)
	}
}

func (k *kit) finish(id string) {
	k.Helper()
	if err := k.subject.Finish(k.ctx, k.any(), id); err != nil {
		k.Fatalf("Finish %q: %v", id, err)
	}
}

func (k *kit) open(id string, at replay.Position) replay.Reader {
	k.Helper()
	r, err := k.any().Open(k.ctx, id, at)
	if err != nil {
		k.Fatalf("Open %q at %+v: %v", id, at, err)
	}
	if r == nil {
		k.Fatalf("Open %q at %+v: neither Reader nor error", id, at)
	}
	k.Cleanup(r.Close)
	return r
}

// waiting calls Wait in a goroutine of its own, which ends before r is closed.
func (k *kit) waiting(r replay.Reader) <-chan error {
	woken, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		woken <- r.Wait(k.ctx)
	}()
	k.Cleanup(func() {
		k.cancel()
		<-ended
	})
	return woken
}

// next waits for r's next event.
func (k *kit) next(r replay.Reader) ring.Event {
	k.Helper()
	e, err := k.nextOrEnd(r)
	if err != nil {
		k.Fatalf("the reader ended: %v", err)
	}
	return e
}

// nextOrEnd waits for r's next event or for the error that ends it.
func (k *kit) nextOrEnd(r replay.Reader) (ring.Event, error) {
	k.Helper()
	var e ring.Event
	for !r.Next(&e) {
		if err := r.Err(); err != nil {
			return e, err
		}
		if err := r.Wait(k.ctx); err != nil {
			k.Fatalf("Wait: %v", err)
		}
	}
	return e, nil
}

// expect reads as many events as there are texts and compares their data. What comes too many is
// found by a later expect, for which the case appends one more event.
func (k *kit) expect(r replay.Reader, texts ...string) {
	k.Helper()
	var got []string
	for range texts {
		e, err := k.nextOrEnd(r)
		if err != nil {
			k.Fatalf("read %q, then: %v; want %q", got, err, texts)
		}
		got = append(got, string(e.Data))
	}
	if !slices.Equal(got, texts) {
		k.Fatalf("read %q, want %q", got, texts)
	}
}

// expectEnd wants the reader to end now, with an error that is want, and to stay so.
func (k *kit) expectEnd(r replay.Reader, want error) {
	k.Helper()
	e, err := k.nextOrEnd(r)
	if err == nil {
		k.Fatalf("read event %d %q, want the end: %v", e.Seq, e.Data, want)
	}
	for range 2 {
		k.wantErr("the reader's end", err, want)
		if r.Next(&e) {
			k.Fatalf("read event %d after %v", e.Seq, err)
		}
		if err := r.Wait(k.ctx); err != nil {
			k.Errorf("Wait after the end: %v, want nil: Err has something to say", err)
		}
		err = r.Err()
	}
}

// drain opens a reader and returns all that is stored.
func (k *kit) drain(id string, at replay.Position) ([]ring.Event, error) {
	r, err := k.any().Open(k.ctx, id, at)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return replay.Drain(r)
}

// stored returns all that is retained.
func (k *kit) stored(id string) []ring.Event {
	k.Helper()
	events, err := k.drain(id, replay.Position{})
	if err != nil {
		k.Fatalf("reading all of %q: %v", id, err)
	}
	return events
}

func (k *kit) wantErr(what string, err error, want ...error) {
	k.Helper()
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	k.Errorf("%s: error %v, want %v", what, err, want)
}

func (k *kit) equal(what string, got, want any) {
	k.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		k.Errorf("%s: %v, want %v", what, got, want)
	}
}

// same wants got to be the stored event want, in every field.
func (k *kit) same(what string, got, want ring.Event) {
	k.Helper()
	if got.Seq != want.Seq || got.ID != want.ID || got.Stream != want.Stream || got.Type != want.Type ||
		string(got.Data) != string(want.Data) || !got.Time.Equal(want.Time) {
		k.Errorf("%s: %s, want %s", what, show(got), show(want))
	}
}

func show(e ring.Event) string {
	return fmt.Sprintf("{%d %q %q %q %.60q %v}", e.Seq, e.ID, e.Stream, e.Type, e.Data, e.Time)
}

// together runs f on n goroutines that start at the same moment, and waits for them. f must not end
// the case.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// refusals calls everything that tells whether a session is there.
func (k *kit) refusals(id string) map[string]error {
	_, appended := k.any().Append(k.ctx, id, ring.Event{})
	r, opened := k.any().Open(k.ctx, id, replay.Position{})
	if r != nil && opened == nil {
		r.Close()
	}
	return map[string]error{
		"Append": appended,
		"Open":   opened,
		"Touch":  k.any().Touch(k.ctx, id),
		"Update": k.any().Update(k.ctx, id, func(*shard.Metadata) {}),
	}
}

// wantRefused wants every use of a session to be shard.ErrNotFound.
func (k *kit) wantRefused(id string) {
	k.Helper()
	for what, err := range k.refusals(id) {
		k.wantErr(what+" of "+id, err, shard.ErrNotFound)
	}
}
