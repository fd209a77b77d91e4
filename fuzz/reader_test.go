package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A readerRun does the same to the readers of a session and to plainReaders, and compares.
type readerRun struct {
	*testing.T
	script
	session *shard.Session
	store   replay.Store
	status  shard.Status
	log     plainLog
	readers []readers
	count   int
}

// readers are the same position in both.
type readers struct {
	real  replay.Reader
	plain *plainReader
}

// The steps of a reader's run. Their numbers are in the seeds: add new ones at the end.
var readerSteps = []func(*readerRun){
	(*readerRun).append,
	(*readerRun).append,
	(*readerRun).open,
	onReader((*readerRun).next),
	onReader((*readerRun).drain),
	onReader((*readerRun).wait),
	onReader((*readerRun).close),
	(*readerRun).after,
	(*readerRun).follow,
	(*readerRun).end,
}

func onReader(step func(*readerRun, int)) func(*readerRun) {
	return func(r *readerRun) {
		if n := len(r.readers); n > 0 {
			step(r, n-1-r.below(n))
		}
	}
}

// FuzzReader does the same to the readers of a session and to cursors of a slice.
func FuzzReader(f *testing.F) {
	for i := range 30 {
		seed := []byte{byte(i), byte(i / 3)}
		for n := range 120 {
			seed = append(seed, byte(n*(i+3)), byte(n*n+i), byte(n), byte(i*n>>2))
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r := &readerRun{T: t, script: script{input}}
		limits := ring.Config{MaxEvents: choose(&r.script, 3, 1, 8, 30), MaxBytes: choose(&r.script, 1<<20, 600),
			MaxEventBytes: 1 << 10}
		m, err := shard.New(shard.Config{Shards: 1, MaxBytes: -1, Ring: limits})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		r.log, r.store = plainLog{limits: limits}, replay.Local(m)
		if r.session, err = m.CreateWithID("s", shard.Metadata{}); err != nil {
			t.Fatal(err)
		}
		for r.more() {
			readerSteps[r.below(len(readerSteps))](r)
		}
		for i := range r.readers {
			r.drain(i)
			r.close(i)
		}
		if n := m.Stats().Attached; n != 0 {
			t.Fatalf("%d streams are attached when all readers are closed", n)
		}
	})
}

func (r *readerRun) append() {
	for range 1 + r.below(4) {
		r.count++
		e := ring.Event{ID: choose(&r.script, "", "", "x", "y"), Stream: choose(&r.script, "", "a", "b"),
			Data: payload(r.count, r.below(64))}
		_, want := r.log.refuse(e)
		got, err := r.store.Append(context.Background(), "s", e)
		switch {
		case r.status == shard.Finished:
			want = shard.ErrFinished
		case r.status != shard.Active:
			want = shard.ErrNotFound
		}
		if !errors.Is(err, want) {
			r.Fatalf("Append: %v, want %v", err, want)
		}
		if err == nil {
			checkStored(r, &r.log, e, got)
			r.log.store(copied(got))
		}
	}
}

// position chooses where to begin.
func (r *readerRun) position() replay.Position {
	at := replay.Position{Live: r.one(3), All: r.one(4), LastEventID: r.lastEventID()}
	switch r.below(4) {
	case 1:
		at.Streams = []string{"a"}
	case 2:
		at.Streams = []string{"b", "", "b"}
	case 3:
		at.Streams = []string{}
	}
	return at
}

func (r *readerRun) lastEventID() string {
	return choose(&r.script, "", "", "x", "y", "unknown", fmt.Sprintf("%s-%d", r.log.tag,
		int(r.log.last)-r.below(12)+1))
}

func (r *readerRun) open() {
	if len(r.readers) >= 8 {
		return
	}
	at := r.position()
	plain, want := openPlain(&r.log, &r.status, at)
	real, err := r.store.Open(context.Background(), "s", at)
	if !errors.Is(err, want) {
		r.Fatalf("Open(%+v): %v, want %v", at, err, want)
	}
	for i := range at.Streams {
		at.Streams[i] = "changed by whoever asked"
	}
	if err == nil {
		r.readers = append(r.readers, readers{real, plain})
	}
}

func (r *readerRun) next(i int) {
	r.Helper()
	rd := r.readers[i]
	for range 1 + r.below(6) {
		want, more := rd.plain.next()
		var got ring.Event
		if rd.real.Next(&got) != more || more && !same(got, want) {
			r.Fatalf("Next is %+v, %v; want %+v, %v", got, rd.real.Err(), want, rd.plain.err)
		}
		if !errors.Is(rd.real.Err(), rd.plain.err) {
			r.Fatalf("Err is %v, want %v", rd.real.Err(), rd.plain.err)
		}
	}
}

// drain wants everything, or one error. The end of the session is an error once there is nothing
// left.
func (r *readerRun) drain(i int) {
	r.Helper()
	rd := r.readers[i]
	var want []ring.Event
	for e, more := rd.plain.next(); more; e, more = rd.plain.next() {
		want = append(want, e)
	}
	got, err := replay.Drain(rd.real)
	wantErr := rd.plain.err
	if len(want) > 0 {
		wantErr = nil
	}
	r.compare("Drain", got, err, want, wantErr)
}

func (r *readerRun) compare(what string, got []ring.Event, err error, want []ring.Event, wantErr error) {
	r.Helper()
	if !errors.Is(err, wantErr) || len(got) != len(want) {
		r.Fatalf("%s is %d events and %v, want %d and %v", what, len(got), err, len(want), wantErr)
	}
	for i := range want {
		if !same(got[i], want[i]) {
			r.Fatalf("%s is %+v, want %+v", what, got[i], want[i])
		}
	}
}

// wait waits in a context that has ended, on a copy: whether Wait reads ahead is its own affair, so
// Next follows at once.
func (r *readerRun) wait(i int) {
	r.Helper()
	rd := r.readers[i]
	ahead := *rd.plain
	var want error
	if _, more := ahead.next(); !more && ahead.err == nil {
		want = context.Canceled
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := rd.real.Wait(ctx); !errors.Is(err, want) {
		r.Fatalf("Wait: %v, want %v", err, want)
	}
	r.next(i)
}

func (r *readerRun) close(i int) {
	r.Helper()
	rd := r.readers[i]
	rd.real.Close()
	if rd.real.Next(&ring.Event{}) || rd.real.Err() == nil {
		r.Fatalf("a closed reader goes on; its error is %v", rd.real.Err())
	}
	if rd.plain.err == nil {
		rd.plain.err = replay.ErrClosed
	}
}

// after wants what is stored after an ID, or one error, of After and of Send.
func (r *readerRun) after() {
	id := r.lastEventID()
	var want []ring.Event
	plain, wantErr := openPlain(&r.log, &r.status, replay.Position{LastEventID: id})
	if wantErr == nil {
		for e, more := plain.next(); more; e, more = plain.next() {
			want = append(want, e)
		}
	}
	var got, sent []ring.Event
	var err error
	for e, failed := range replay.After(r.session, id) {
		if err = failed; err == nil {
			got = append(got, e)
		}
	}
	r.compare("After", got, err, want, wantErr)
	err = replay.Send(r.session, id, func(e ring.Event) error {
		sent = append(sent, e)
		return nil
	})
	r.compare("Send", sent, err, want, wantErr)
}

// follow wants what is stored and then the reason to end, which for an active session is the
// context's: it ends with the last event, or at once when there is none.
func (r *readerRun) follow() {
	id := r.lastEventID()
	var want []ring.Event
	plain, wantErr := openPlain(&r.log, &r.status, replay.Position{LastEventID: id})
	if wantErr == nil {
		for e, more := plain.next(); more; e, more = plain.next() {
			want = append(want, e)
		}
		wantErr = plain.err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if wantErr == nil {
		wantErr = context.Canceled
		if len(want) == 0 {
			cancel()
		}
	}
	var got []ring.Event
	var err error
	for e, failed := range replay.Follow(ctx, r.session, id) {
		if err = failed; err == nil {
			got = append(got, e)
		}
		if len(got) == len(want) && r.status == shard.Active {
			cancel()
		}
	}
	r.compare("Follow", got, err, want, wantErr)
}

// end finishes or terminates the session, seldom enough for runs to get somewhere.
func (r *readerRun) end() {
	switch r.below(16) {
	case 14:
		r.session.Finish()
		if r.status == shard.Active {
			r.status = shard.Finished
		}
	case 15:
		r.session.Terminate()
		r.status = shard.Terminated
	}
}
