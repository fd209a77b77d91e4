package pebble

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// An append writes what it has made of the session with its event, and the state is written only
// when something else changes: after a crash both together are what the session was.
func TestSessionsAreAfterACrashWhatTheyWere(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { crashAndCompare(t, seed) })
	}
}

func crashAndCompare(t *testing.T, seed uint64) {
	const sessions, rounds, calls = 6, 5, 120
	rnd := rand.New(rand.NewPCG(seed, 3))
	fs := vfs.NewCrashableMem()
	cfg := Config{fs: fs, TTL: time.Hour, Linger: time.Hour, Ring: ring.Config{MaxEvents: 90, MaxBytes: 20_000}}
	s := openStore(t, "d", cfg)
	p := &tallyPlayer{t: t, rnd: rnd, appended: make([][]ring.Event, sessions)}
	for i := range sessions {
		create(t, s, shard.Options{ID: fmt.Sprint(i)})
	}
	for range rounds {
		for range calls {
			p.call(s, rnd.IntN(sessions))
			time.Sleep(time.Duration(rnd.IntN(1000)) * time.Millisecond)
		}
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		cfg.fs, fs = crashed, crashed
		again := openStore(t, "d", cfg)
		for i := range sessions {
			id := fmt.Sprint(i)
			before, err1 := s.Info(bg, id)
			after, err2 := again.Info(bg, id)
			if err1 != nil || err2 != nil || !reflect.DeepEqual(before, after) {
				t.Fatalf("seed %d: session %s was %+v, %v, and is %+v, %v", seed, id, before, err1, after, err2)
			}
			p.compare(again, i, before.Log)
		}
		s = again
	}
}

// A tallyPlayer calls a Store, and knows what it has appended to each session.
type tallyPlayer struct {
	t        *testing.T
	rnd      *rand.Rand
	appended [][]ring.Event
}

func (p *tallyPlayer) call(s *Store, i int) {
	id, err := fmt.Sprint(i), error(nil)
	switch p.rnd.IntN(20) {
	case 0:
		err = s.Touch(bg, id)
	case 1:
		err = s.Claim(bg, id, fmt.Sprint(p.rnd.Uint64()))
	case 2:
		err = s.Update(bg, id, func(md *shard.Metadata) { md.Transport = fmt.Sprint(p.rnd.IntN(10)) })
	case 3, 4, 5:
		var stored []ring.Event
		stored, err = s.AppendAll(bg, id, []ring.Event{p.event(i), p.event(i), p.event(i)})
		p.appended[i] = append(p.appended[i], stored...)
	case 6:
		if p.rnd.IntN(20) == 0 {
			err = s.Finish(bg, id)
		}
	default:
		var stored ring.Event
		if stored, err = s.Append(bg, id, p.event(i)); err == nil {
			p.appended[i] = append(p.appended[i], stored)
		}
	}
	if err != nil && !errors.Is(err, ring.ErrDuplicateID) && !errors.Is(err, shard.ErrFinished) {
		p.t.Fatal(err)
	}
}

func (p *tallyPlayer) event(i int) ring.Event {
	e := ring.Event{Data: make([]byte, p.rnd.IntN(400))}
	if n := len(p.appended[i]); n > 0 && p.rnd.IntN(40) == 0 { // an ID that the session would give
		last := p.appended[i][n-1]
		if prefix, ok := strings.CutSuffix(last.ID, fmt.Sprint("-", last.Seq)); ok {
			e.ID = fmt.Sprint(prefix, "-", last.Seq+uint64(p.rnd.IntN(5)))
		}
		return e
	}
	switch p.rnd.IntN(4) {
	case 0:
		e.ID = fmt.Sprint("own-", p.rnd.IntN(500))
	case 1: // any time at all
		e.Time = time.Unix(0, p.rnd.Int64()-p.rnd.Int64())
	}
	return e
}

// compare wants the session to have the newest of what was appended.
func (p *tallyPlayer) compare(s *Store, i int, log ring.Stats) {
	p.t.Helper()
	events, all := readAll(p.t, s, fmt.Sprint(i)), p.appended[i]
	if len(events) != log.Events || log.Last != uint64(len(all)) {
		p.t.Fatalf("session %d has %d events, %d were appended; Info says %+v", i, len(events), len(all), log)
	}
	for n, e := range events {
		_, err := s.Append(bg, fmt.Sprint(i), ring.Event{ID: e.ID})
		if !errors.Is(err, ring.ErrDuplicateID) && !errors.Is(err, shard.ErrFinished) {
			p.t.Fatalf("Append of retained ID %q of session %d: %v", e.ID, i, err)
		}
		if want := all[len(all)-len(events)+n]; !reflect.DeepEqual(e, want) && len(want.Data) > 0 {
			p.t.Fatalf("event %d of session %d is %+v, want %+v", e.Seq, i, e, want)
		}
	}
}

// What was written with or after an event is the newest, also where a clock was set back.
func TestTallyCountsOnlyIfItCameAfterTheState(t *testing.T) {
	for _, c := range []struct {
		seq  uint64
		want int64
	}{{7, 100}, {8, 50}} {
		s := state{first: 1, last: 7, bytes: 10, activity: 100}
		told := tally{activity: 200, retained: 7, bytes: 10}
		if c.seq > s.last {
			told.activity = 50
		}
		if !s.follow(c.seq, told) || s.activity != c.want || s.last != c.seq {
			t.Errorf("event %d after event 7: %+v, want activity %d", c.seq, s, c.want)
		}
	}
}
