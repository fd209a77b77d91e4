package fuzz_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// The steps of a manager's run. Their numbers are in the seeds: add new ones at the end.
var managerSteps = []func(*managerRun){
	(*managerRun).create,
	onSession((*managerRun).append),
	onSession((*managerRun).append),
	onSession((*managerRun).attach),
	(*managerRun).detach,
	(*managerRun).sleep,
	(*managerRun).sleep,
	onSession((*managerRun).touch),
	onSession((*managerRun).authorize),
	onSession((*managerRun).update),
	onSession((*managerRun).terminate),
	onSession((*managerRun).finishSession),
	(*managerRun).look,
	onSession((*managerRun).seek),
	(*managerRun).read,
	(*managerRun).closeOnce,
}

// onSession makes a step out of one that needs a session.
func onSession(step func(*managerRun, sessions)) func(*managerRun) {
	return func(r *managerRun) {
		if n := len(r.sessions); n > 0 {
			step(r, r.sessions[n-1-r.below(n)])
		}
	}
}

func (r *managerRun) create() {
	if len(r.sessions) > 200 {
		return
	}
	r.count++
	o := shard.Options{
		ID: choose(&r.script, "", "a", "b", "c", "no good", long(128), long(129)),
		Metadata: shard.Metadata{
			Transport: fmt.Sprint("transport ", r.count),
			Principal: choose(&r.script, "", "alice", "bob"),
		},
		TTL:  choose(&r.script, 0, 0, -1, time.Second, 30*time.Second),
		Ring: ring.Config{MaxEvents: choose(&r.script, 0, 0, 2)},
	}
	refused := map[error]bool{}
	if o.ID == "no good" || len(o.ID) > 128 {
		refused[shard.ErrInvalidID] = true
	} else {
		holder, held := r.plain.holder(o.ID)
		if held == perhaps {
			_, err := r.real.Info(o.ID)
			held = when(err == nil)
		}
		refused[shard.ErrExists] = holder != nil && held == yes
		refused[shard.ErrSessionLimit] = r.plain.full(o.Principal)
	}
	if r.plain.closed {
		refused = map[error]bool{shard.ErrClosed: true}
	}
	s, err := r.real.CreateWith(o)
	for is, right := range refused {
		if right && errors.Is(err, is) {
			return
		}
		if right && err == nil || !right && errors.Is(err, is) {
			r.Fatalf("Create of %.20q: %v, and that it be refused for %v is %v", o.ID, err, is, right)
		}
	}
	if err != nil {
		for _, right := range refused {
			if right {
				return // for one of several reasons
			}
		}
		r.Fatalf("Create of %.20q: %v", o.ID, err)
	}
	if o.ID != "" && s.ID() != o.ID {
		r.Fatalf("Create of %q made %q", o.ID, s.ID())
	}
	r.sessions = append(r.sessions, sessions{s, r.plain.create(s.ID(), o)})
}

func (r *managerRun) append(s sessions) {
	r.count++
	e := ring.Event{
		ID:     choose(&r.script, "", "", "x", "y", "z", "\n"),
		Stream: choose(&r.script, "", "a"),
		Data:   payload(r.count, r.below(120)),
	}
	want := s.plain.writeRefusal()
	var fields []string
	if want == nil {
		fields, want = s.plain.log.refuse(e)
	}
	got, err := s.real.Append(e)
	switch {
	case want == nil && err == nil:
		checkStored(r, &s.plain.log, e, got)
		if !s.plain.log.store(copied(got)) {
			r.Fatalf("%d bytes were not refused", cost(got))
		}
		s.plain.activity = r.plain.now
		return
	case want == nil:
		r.want("Append", err, shard.ErrOverBudget)
		if tag := s.plain.log.tag; e.ID == "" && tag != "" {
			e.ID = fmt.Sprintf("%s-%d", tag, s.plain.log.last+1)
		}
		if e.ID != "" && s.plain.log.store(e) {
			r.Fatalf("%d bytes were refused: %v", cost(e), err)
		}
	case want == shard.ErrNotFound || want == shard.ErrFinished:
		r.want("Append", err, want)
	default:
		checkRefused(r, &s.plain.log, e, got, err, want, fields)
		if want == ring.ErrDuplicateID {
			r.plain.duplicates++
		}
	}
	r.adopt(s)
}

func (r *managerRun) attach(s sessions) {
	want := s.plain.refusal()
	if limit := r.plain.cfg.MaxAttached; want == nil && limit > 0 && s.plain.attached >= limit {
		want = shard.ErrAttachLimit
	}
	detach, err := s.real.Attach()
	r.want("Attach", err, want)
	if err == nil {
		s.plain.attached++
		r.streams = append(r.streams, stream{s.plain, detach})
	}
	r.adopt(s)
}

// detach ends one of the open streams, and once in a while says so twice.
func (r *managerRun) detach() {
	if len(r.streams) == 0 {
		return
	}
	i := r.below(len(r.streams))
	st := r.streams[i]
	st.detach()
	if r.one(4) {
		st.detach()
	}
	r.streams[i] = r.streams[len(r.streams)-1]
	r.streams = r.streams[:len(r.streams)-1]
	st.session.attached--
	st.session.letGo()
	for _, s := range r.sessions {
		if s.plain == st.session && !st.session.ended {
			if st.session.attached == 0 {
				st.session.activity = r.plain.now
			}
			r.adopt(s)
		}
	}
	r.settle()
}

// sleep sleeps until a nanosecond before, exactly at or after a moment when something is to happen
// to a session, or for any time.
func (r *managerRun) sleep() {
	d := choose(&r.script, time.Millisecond, time.Second, 20*time.Millisecond, time.Minute, time.Hour)
	if n := len(r.sessions); n > 0 && r.one(2) {
		s := r.sessions[n-1-r.below(n)].plain
		cfg := r.plain.cfg
		at := choose(
			&r.script,
			s.activity.Add(s.ttl),
			s.activity.Add(s.ttl+cfg.Tick),
			s.earliest.Add(cfg.Linger),
			s.latest.Add(cfg.Linger),
			s.activity.Add(s.ttl+cfg.Tick*3/4),
		)
		if until := at.Sub(r.plain.now) + choose[time.Duration](&r.script, 0, -1, 1); until > 0 &&
			until < 1000*time.Hour {
			d = until
		}
	}
	r.pass(d)
}

func (r *managerRun) touch(s sessions) {
	r.want("Touch", s.real.Touch(), s.plain.refusal())
	if !s.plain.ended {
		s.plain.activity = r.plain.now
	}
}

// manages returns what a manager says about the session under that ID to callers that want one
// which has not ended.
func (r *managerRun) manages(s sessions) (*plainSession, error) {
	if r.plain.closed {
		return nil, shard.ErrClosed
	}
	holder, _ := r.plain.holder(s.plain.id)
	return holder, holder.refusal()
}

func (r *managerRun) authorize(s sessions) {
	holder, want := r.manages(s)
	principal := choose(&r.script, holderPrincipal(holder), "", "alice", "mallory")
	if want == nil && principal != holder.md.Principal {
		want = shard.ErrPrincipal
	}
	_, err := r.real.Authorize(s.plain.id, principal)
	r.want("Authorize", err, want)
	if err == nil {
		holder.activity = r.plain.now
	}
}

func holderPrincipal(s *plainSession) string {
	if s == nil {
		return ""
	}
	return s.md.Principal
}

// FuzzManager does the same to a manager and to a list of sessions, while time passes.
func FuzzManager(f *testing.F) {
	for _, seed := range managerSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		synctest.Test(t, func(t *testing.T) {
			r := newManagerRun(t, input)
			defer r.real.Close()
			for r.more() {
				managerSteps[r.below(len(managerSteps))](r)
				r.check()
			}
			r.finish()
		})
	})
}

// managerSeeds are runs of every configuration that do a bit of everything, and runs of every
// combination of TTL, Linger and Tick that look at sessions a nanosecond before, at, and after each
// moment at which something is to happen to them.
func managerSeeds() (seeds [][]byte) {
	const create, attach, detach, sleep, finish, seek = 0, 3, 4, 5, 11, 13
	for i := range 48 {
		seed := []byte{
			byte(i),
			byte(i / 2),
			byte(i / 3),
			byte(i / 4),
			byte(i / 5),
			byte(i),
			byte(i / 6),
			byte(i / 4),
			byte(i),
			byte(i),
			byte(i),
		}
		seed = append(seed, create, 1, 0, 0, 0)
		for n := range 100 {
			seed = append(seed, byte(n*(i+5)), byte(n*n+i), byte(n*i>>2), byte(n>>1))
		}
		seeds = append(seeds, seed)
	}
	for i := range byte(6 * 4 * 4) {
		seed := []byte{1, 1, 0, 0, 0, i % 6, i / 6 % 4, i / 24, 0, 0, 0}
		for at := range byte(5) {
			for late := range byte(3) {
				toMoment := []byte{sleep, 0, 1, 0, at, late}
				seed = append(seed, create, 0, 0, 0, 0, seek, 0, 0)
				seed = append(seed, toMoment...)
				seed = append(seed, create, 0, 0, 0, 0, attach, 0, sleep, 1, 0, detach, 0, 0)
				seed = append(seed, toMoment...)
				seed = append(seed, create, 0, 0, 0, 0, finish, 0)
				seed = append(seed, toMoment...)
			}
		}
		seeds = append(seeds, seed)
	}
	return seeds
}
