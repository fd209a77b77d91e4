package shard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func save(t testing.TB, m *shard.Manager) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func load(t testing.TB, snapshot []byte, cfg shard.Config) *shard.Manager {
	t.Helper()
	m, err := shard.Load(context.Background(), bytes.NewReader(snapshot), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func get(t testing.TB, m *shard.Manager, id string) *shard.Session {
	t.Helper()
	s, err := m.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// events returns what the session retains, all of it.
func events(s *shard.Session) (all []ring.Event) {
	c, _ := s.Seek("")
	for e := (ring.Event{}); c.Next(&e); {
		all = append(all, e)
	}
	return all
}

// full makes a manager with sessions of every kind.
func full(t testing.TB, cfg shard.Config) *shard.Manager {
	t.Helper()
	cfg.Ring.MaxEvents = 4
	m := newManager(t, cfg)
	create(t, m, "empty")
	evicting := create(t, m, "evicting")
	for n := range 10 {
		e := ring.Event{Stream: fmt.Sprint(n % 2), Type: "t", Data: fmt.Append(nil, "event ", n)}
		if n == 7 {
			e.ID = "own ID"
		}
		if _, err := evicting.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		if err := evicting.Claim(fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	owned, err := m.CreateWith(shard.Options{
		ID: "owned", TTL: 2 * time.Hour,
		Ring: ring.Config{MaxEvents: 2, MaxBytes: 1000, MaxEventBytes: 900, MaxIDBytes: 300, StrictIDs: true},
		Metadata: shard.Metadata{Transport: "sse", Principal: "me",
			ClientInfo: map[string]any{"name": "x", "n": 1.5, "list": []any{"a", nil, true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	store(t, owned, "a", "b", "c")
	finished := create(t, m, "finished")
	store(t, finished, "the end")
	finished.Finish()
	if _, err := m.CreateWith(shard.Options{ID: "for ever"[:3], TTL: -1}); err != nil {
		t.Fatal(err)
	}
	create(t, m, "ended").Terminate()
	return m
}

func TestALoadedManagerAnswersAsTheSavedOneDid(t *testing.T) {
	inTime(t, func(t *testing.T) {
		old := full(t, shard.Config{})
		sleep(time.Minute / 2)
		m := load(t, save(t, old), shard.Config{Ring: ring.Config{MaxEvents: 4}})
		var ids []string
		for s := range old.Sessions() {
			ids = append(ids, s.ID())
			again := get(t, m, s.ID())
			a, b := s.Info(), again.Info()
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%s was %+v and is %+v", s.ID(), a, b)
			}
			if s.Limits() != again.Limits() {
				t.Errorf("%s: limits %+v, were %+v", s.ID(), again.Limits(), s.Limits())
			}
			if !reflect.DeepEqual(events(s), events(again)) {
				t.Errorf("%s: events %v, were %v", s.ID(), events(again), events(s))
			}
			seeks := []string{"", "own ID", "unknown", s.PositionID(0), s.PositionID(3), s.PositionID(6),
				s.PositionID(10), s.PositionID(11)}
			for n := range 12 {
				seeks = append(seeks, strings.Replace(s.PositionID(uint64(n)), ".", "-", 1))
			}
			for _, id := range seeks {
				ca, errA := s.Seek(id)
				cb, errB := again.Seek(id)
				if fmt.Sprint(errA) != fmt.Sprint(errB) || ca.Seq() != cb.Seq() || read(ca) != read(cb) {
					t.Errorf("%s: Seek(%q) is %v, was %v", s.ID(), id, errB, errA)
				}
			}
			if fmt.Sprint(s.Claim("3")) != fmt.Sprint(again.Claim("3")) ||
				fmt.Sprint(s.Claim("new")) != fmt.Sprint(again.Claim("new")) {
				t.Errorf("%s: claims differ", s.ID())
			}
			ea, errA := s.Append(ring.Event{Data: []byte("next")})
			eb, errB := again.Append(ring.Event{Data: []byte("next")})
			if !reflect.DeepEqual(ea, eb) || fmt.Sprint(errA) != fmt.Sprint(errB) {
				t.Errorf("%s: the next event is %+v, %v; want %+v, %v", s.ID(), eb, errB, ea, errA)
			}
		}
		slices.Sort(ids)
		if fmt.Sprint(ids) != "[empty evicting finished for owned]" || m.Stats().Active != len(ids) ||
			m.Stats().Total != len(ids) {
			t.Errorf("%v, %+v", ids, m.Stats())
		}
		if a, b := old.Stats(), m.Stats(); a.Events != b.Events || a.Bytes != b.Bytes || b.Evicted != 2 {
			t.Errorf("%+v, were %+v", b, a)
		}
		m.Close()
		if st := m.Stats(); st.Events != 0 || st.Bytes != 0 || st.Memory != 0 {
			t.Errorf("closed: %+v", st)
		}
	})
}

func TestALoadedSessionHasAsMuchTimeLeftAsItHad(t *testing.T) {
	inTime(t, func(t *testing.T) {
		cfg := shard.Config{TTL: time.Hour, Linger: time.Minute}
		old := newManager(t, cfg)
		create(t, old, "idle")
		create(t, old, "watched").Attach()
		if _, err := old.CreateWith(shard.Options{ID: "short", TTL: 45 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		sleep(40 * time.Minute)
		finished := create(t, old, "finished")
		store(t, finished, "x")
		finished.Finish()
		sleep(20 * time.Second)
		snapshot := save(t, old)
		sleep(10 * time.Hour)

		var ends endLog
		cfg.OnEnd = ends.add
		m := load(t, snapshot, cfg)
		begun := time.Now()
		for _, step := range []struct {
			after  time.Duration
			gone   string
			status shard.Status
		}{
			{40 * time.Second, "finished", shard.Finished},
			{5*time.Minute - 20*time.Second, "short", shard.Expired},
			{20*time.Minute - 20*time.Second, "idle", shard.Expired},
			{time.Hour, "watched", shard.Expired},
		} {
			if h := get(t, m, step.gone).Health(); !h.Expires || h.ExpiresIn != step.after-time.Since(begun) {
				t.Errorf("%s expires in %v, want %v", step.gone, h.ExpiresIn, step.after-time.Since(begun))
			}
			sleep(step.after - time.Since(begun) - 1)
			get(t, m, step.gone)
			sleep(tick + 1)
			if _, err := m.Get(step.gone); !errors.Is(err, shard.ErrNotFound) {
				t.Errorf("%s is still there after %v", step.gone, time.Since(begun))
			}
			if i := ends.of(step.gone); len(i) != 1 || i[0].Status != step.status {
				t.Errorf("%s: OnEnd got %+v", step.gone, i)
			}
		}
	})
}

// A process that has just started has a clock that is younger than what it loads.
func TestSessionsMayBeOlderThanTheProcess(t *testing.T) {
	var snapshot []byte
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: -1})
		create(t, m, "old")
		sleep(24 * 365 * time.Hour)
		snapshot = save(t, m)
	})
	synctest.Test(t, func(t *testing.T) { // a new clock
		m := load(t, snapshot, shard.Config{TTL: -1})
		s := get(t, m, "old")
		if i := s.Info(); time.Since(i.LastActivity) != 24*365*time.Hour || i.Status != shard.Active {
			t.Errorf("%+v", i)
		}
		store(t, s, "a")
		if since := time.Since(s.Info().LastActivity); since > time.Second {
			t.Errorf("last active %v ago", since)
		}
	})
}

func TestDefaultsComeFromTheNewConfigAndLowerLimitsDropTheOldest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		old := full(t, shard.Config{TTL: time.Hour})
		m := load(t, save(t, old), shard.Config{TTL: 10 * time.Minute, Ring: ring.Config{MaxEvents: 2}})
		s := get(t, m, "evicting")
		if st := s.Info().Log; st.Events != 2 || st.First != 9 || st.Evicted != 8 {
			t.Errorf("%+v", st)
		}
		if h := s.Health(); h.ExpiresIn != 10*time.Minute {
			t.Errorf("it expires in %v", h.ExpiresIn)
		}
		if h := get(t, m, "owned").Health(); h.ExpiresIn != 2*time.Hour {
			t.Errorf("one with a TTL of its own expires in %v", h.ExpiresIn)
		}
	})
}

func TestWhatTheNewConfigDoesNotAdmitIsAnErrorThatNamesTheSession(t *testing.T) {
	snapshot := save(t, full(t, shard.Config{}))
	for want, cfg := range map[error]shard.Config{
		shard.ErrSessionLimit: {MaxSessions: 2},
		ring.ErrEventTooLarge: {Ring: ring.Config{MaxEventBytes: 5}},
		ring.ErrInvalidEvent:  {Ring: ring.Config{MaxIDBytes: 2}},
		shard.ErrOverBudget:   {MaxSessions: -1, MaxBytes: 100},
	} {
		cfg.OnEnd = func(i shard.Info) { t.Errorf("OnEnd was called for %s", i.ID) }
		m, err := shard.Load(t.Context(), bytes.NewReader(snapshot), cfg)
		wantErr(t, "Load", err, want)
		var at *shard.LoadError
		if m != nil || !errors.As(err, &at) || at.Session == "" || at.Offset == 0 || errors.Is(err, shard.ErrSnapshot) {
			t.Errorf("%v, %v", m, err)
		}
	}
	if _, err := shard.Load(t.Context(), bytes.NewReader(snapshot),
		shard.Config{Shards: -1}); !strings.Contains(fmt.Sprint(err), "Config.Shards") {
		t.Errorf("a wrong Config: %v", err)
	}
}

func TestClaimsBeyondALowerLimitStayClaimed(t *testing.T) {
	m := load(t, save(t, full(t, shard.Config{})), shard.Config{MaxClaims: 2})
	s := get(t, m, "evicting")
	for n := range 5 {
		wantErr(t, fmt.Sprint(n), s.Claim(fmt.Sprint(n)), shard.ErrClaimed)
	}
	wantErr(t, "another", s.Claim("another"), shard.ErrClaimLimit)
}

// What JSON makes of metadata may count more than before: it is loaded all the same.
func TestMetadataThatJSONMakesLargerIsLoaded(t *testing.T) {
	old := newManager(t, shard.Config{})
	info := map[string]any{"numbers": make([]int8, 10_000), "bytes": make([]byte, 5_000)}
	if _, err := old.CreateWithID("id", shard.Metadata{ClientInfo: info}); err != nil {
		t.Fatal(err)
	}
	s := get(t, load(t, save(t, old), shard.Config{}), "id")
	if n := len(s.Info().ClientInfo["numbers"].([]any)); n != 10_000 {
		t.Errorf("%d numbers", n)
	}
}

func TestSaveSaysWhatItCannotWrite(t *testing.T) {
	m := newManager(t, shard.Config{})
	if _, err := m.CreateWithID("odd", shard.Metadata{ClientInfo: map[string]any{"f": func() {}}}); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), `"odd"`) ||
		!strings.Contains(err.Error(), "ClientInfo") {
		t.Errorf("%v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, "cancelled", m.Save(cancelled, io.Discard), context.Canceled)
	m.Close()
	wantErr(t, "closed", m.Save(t.Context(), io.Discard), shard.ErrClosed)

	m = full(t, shard.Config{})
	whole := len(save(t, m))
	for room := range whole {
		wantErr(t, fmt.Sprintf("room for %d bytes", room), m.Save(t.Context(), &limited{room}), io.ErrShortWrite)
	}
}

// limited is a disk with so much room.
type limited struct{ room int }

func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.room {
		return 0, io.ErrShortWrite
	}
	l.room -= len(b)
	return len(b), nil
}

func TestAnyTruncatedSnapshotIsRefusedNamingThePlace(t *testing.T) {
	snapshot := save(t, full(t, shard.Config{}))
	for n := range snapshot {
		wantDamaged(t, fmt.Sprintf("the first %d bytes", n), snapshot[:n], int64(n))
	}
	load(t, append(slices.Clone(snapshot), "more"...), shard.Config{}).Close()
}

func TestAnyChangedByteIsFound(t *testing.T) {
	snapshot := save(t, full(t, shard.Config{}))
	for i := range snapshot {
		for _, bit := range []byte{1, 0x80} {
			changed := slices.Clone(snapshot)
			changed[i] ^= bit
			wantDamaged(t, fmt.Sprintf("byte %d of %d", i, len(snapshot)), changed, int64(i))
		}
	}
}

// wantDamaged wants an ErrSnapshot at a frame that begins no later than the fault.
func wantDamaged(t *testing.T, what string, snapshot []byte, at int64) {
	t.Helper()
	m, err := shard.Load(context.Background(), bytes.NewReader(snapshot), shard.Config{})
	var e *shard.LoadError
	if m != nil || !errors.Is(err, shard.ErrSnapshot) || !errors.As(err, &e) || e.Offset > at {
		t.Errorf("%s: %v, %v", what, m, err)
	}
}

func TestFramesThatAreMissingRepeatedOrMovedAreFound(t *testing.T) {
	snapshot := save(t, full(t, shard.Config{}))
	frames := shard.Frames(snapshot)
	if len(frames) < 8 {
		t.Fatalf("%d frames", len(frames))
	}
	header := snapshot[:12]
	build := func(frames ...[]byte) []byte { return bytes.Join(append([][]byte{header}, frames...), nil) }
	if !bytes.Equal(build(frames...), snapshot) {
		t.Fatal("the frames are not those of the snapshot")
	}
	for i := range frames {
		wantDamaged(t, fmt.Sprint("missing ", i), build(slices.Delete(slices.Clone(frames), i, i+1)...),
			int64(len(snapshot)))
		if i < len(frames)-1 { // what comes after the end is nobody's business
			wantDamaged(t, fmt.Sprint("moved ", i),
				build(append(slices.Delete(slices.Clone(frames), i, i+1), frames[i])...), int64(len(snapshot)))
			wantDamaged(t, fmt.Sprint("repeated ", i), build(slices.Insert(slices.Clone(frames), i, frames[i])...),
				int64(len(snapshot)))
		}
	}
	other := save(t, full(t, shard.Config{}))
	mixed := build(append(slices.Clone(frames[:3]), shard.Frames(other)[3:]...)...)
	wantDamaged(t, "the rest of another one", mixed, int64(len(snapshot)))
}

func TestErrorsOfTheReaderAndTheContextPassThrough(t *testing.T) {
	snapshot := save(t, full(t, shard.Config{}))
	broken := io.MultiReader(bytes.NewReader(snapshot[:100]), failing{})
	_, err := shard.Load(t.Context(), broken, shard.Config{})
	wantErr(t, "the reader's", err, errBroken)
	if errors.Is(err, shard.ErrSnapshot) {
		t.Error("the snapshot is blamed for its reader")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = shard.Load(cancelled, bytes.NewReader(snapshot), shard.Config{})
	wantErr(t, "the context's", err, context.Canceled)
}

var errBroken = errors.New("broken")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

// Each writer claims n, stores event n and then puts n into the metadata. At any moment there are
// as many claims as events, or one more, and as many events as the metadata says, or one more.
func TestASessionIsSavedAsItWasAtOneMoment(t *testing.T) {
	const writers, rounds, retained = 3, 20_000 / slow, 8
	m := newManager(t, shard.Config{MaxClaims: -1, Ring: ring.Config{MaxEvents: retained}})
	var writing, saved atomic.Int32
	writing.Store(writers)
	together(writers+1, func(g int) {
		if g == writers {
			for writing.Load() == writers {
				checkMoment(t, save(t, m), retained)
				saved.Add(1)
			}
			return
		}
		defer writing.Add(-1)
		s := create(t, m, fmt.Sprint("s", g))
		for n := 1; n <= rounds; n++ {
			if err := s.Claim(fmt.Sprint(n)); err != nil {
				t.Error(err)
			}
			store(t, s, fmt.Sprint(n))
			s.Update(func(md *shard.Metadata) { md.ClientInfo = map[string]any{"n": n} })
		}
	})
	checkMoment(t, save(t, m), retained)
	if saved.Load() == 0 {
		t.Error("nothing was saved meanwhile")
	}
}

func checkMoment(t *testing.T, snapshot []byte, retained int) {
	t.Helper()
	m, err := shard.Load(context.Background(), bytes.NewReader(snapshot),
		shard.Config{MaxClaims: -1, Ring: ring.Config{MaxEvents: retained}})
	if err != nil {
		t.Error(err)
		return
	}
	defer m.Close()
	for s := range m.Sessions() {
		said, _ := s.Info().ClientInfo["n"].(float64)
		log := s.Info().Log
		if n := uint64(said); log.Last != n && log.Last != n+1 {
			t.Errorf("%s: %d events, and the metadata says %d", s.ID(), log.Last, n)
		}
		if log.Events != min(int(log.Last), retained) {
			t.Errorf("%s: %+v", s.ID(), log)
		}
		for _, e := range events(s) {
			if string(e.Data) != fmt.Sprint(e.Seq) {
				t.Errorf("%s: event %d is %q", s.ID(), e.Seq, e.Data)
			}
		}
		if claims := shard.Claims(s); uint64(claims) != log.Last && uint64(claims) != log.Last+1 {
			t.Errorf("%s: %d events and %d claims", s.ID(), log.Last, claims)
		}
	}
}

// Events larger than a frame's target, and more claims than one frame holds.
func TestLargeSessionsTakeSeveralFrames(t *testing.T) {
	old := newManager(t, shard.Config{MaxClaims: -1})
	s := create(t, old, "large")
	for n := range 5 {
		store(t, s, strings.Repeat(fmt.Sprint(n), 100_000))
	}
	for n := range 3_000 {
		if err := s.Claim(fmt.Sprintf("%050d", n)); err != nil {
			t.Fatal(err)
		}
	}
	snapshot := save(t, old)
	if n := len(shard.Frames(snapshot)); n < 8 {
		t.Errorf("%d frames", n)
	}
	again := get(t, load(t, snapshot, shard.Config{}), "large")
	if !reflect.DeepEqual(events(s), events(again)) || shard.Claims(again) != 3_000 {
		t.Errorf("%d events, %d claims", again.Info().Log.Events, shard.Claims(again))
	}
}
