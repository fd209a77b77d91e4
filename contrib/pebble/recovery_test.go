package pebble

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const fillSessions = 8

// appendAndWait appends events of 256 bytes to a few sessions, all of them retained and confirmed
// when it says so, and then waits to be killed.
func appendAndWait(ctx context.Context, store *Store, events string) error {
	n, err := strconv.Atoi(events)
	if err != nil {
		return err
	}
	each := n / fillSessions
	errs := make([]error, fillSessions)
	var all sync.WaitGroup
	for i := range fillSessions {
		all.Go(func() { errs[i] = fillOne(ctx, store, fmt.Sprint("fill-", i), each) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	return nil
}

func fillOne(ctx context.Context, store *Store, id string, n int) error {
	limits := ring.Config{MaxEvents: n, MaxBytes: n * 512}
	if _, err := store.CreateWith(ctx, shard.Options{ID: id, Ring: limits}); err != nil {
		return err
	}
	for done := 0; done < n; {
		batch := make([]ring.Event, min(500, n-done))
		for i := range batch {
			batch[i].Data = fmt.Appendf(make([]byte, 0, 256), "%0256d", done+i+1)
		}
		if _, err := store.AppendAll(ctx, id, batch); err != nil {
			return err
		}
		done += len(batch)
	}
	return nil
}

// recoverAfterKill kills a process that has filled a directory and returns how long it then takes
// to open it. Everything must be there, and Open must have told how far it was.
func recoverAfterKill(t testing.TB, events int) time.Duration {
	t.Helper()
	k := newKiller(t)
	k.run(func(<-chan string) {}, fmt.Sprint("REPRISE_CRASH_FILL=", events))
	var reports []Progress
	start := time.Now()
	s := openStore(t, k.dir, Config{MinFree: -1, Progress: func(p Progress) { reports = append(reports, p) }})
	took := time.Since(start)
	want := Progress{Sessions: fillSessions, Events: uint64(events), Done: true}
	if len(reports) < 2 || reports[len(reports)-1] != want {
		t.Errorf("Open reported %+v, want several and %+v at the end", reports, want)
	}
	for i, p := range reports {
		if i > 0 && (p.Events < reports[i-1].Events || p.Sessions < reports[i-1].Sessions || reports[i-1].Done) {
			t.Errorf("report %d is %+v after %+v", i, p, reports[i-1])
		}
	}
	for i := range fillSessions {
		checkFilled(t, s, fmt.Sprint("fill-", i), uint64(events/fillSessions))
	}
	return took
}

func checkFilled(t testing.TB, s *Store, id string, n uint64) {
	t.Helper()
	r, err := s.Open(bg, id, replay.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var e ring.Event
	read := uint64(0)
	for r.Next(&e) {
		if read++; e.Seq != read || string(e.Data) != fmt.Sprintf("%0256d", read) {
			t.Fatalf("session %s: event %d has sequence %d and data %.300q", id, read, e.Seq, e.Data)
		}
	}
	if r.Err() != nil || read != n {
		t.Fatalf("session %s: %d events, error %v; want %d", id, read, r.Err(), n)
	}
}

func TestKilledProcessIsRecoveredWithProgress(t *testing.T) {
	t.Logf("%v", recoverAfterKill(t, 240_000))
}

// BenchmarkRecovery measures how long Open takes when a process was killed that had confirmed a
// million events of 256 bytes. One op is one Open.
func BenchmarkRecovery(b *testing.B) {
	var total time.Duration
	for b.Loop() {
		total += recoverAfterKill(b, 1_000_000)
	}
	b.ReportMetric(total.Seconds()/float64(b.N), "s/Open")
	b.ReportMetric(0, "ns/op")
}

// With SyncEvery, a killed process loses at most what was confirmed that long before. A machine
// that is busy may be late with a sync: then a longer SyncEvery must do.
func TestKilledProcessLosesNoMoreThanSyncEvery(t *testing.T) {
	for name, burst := range map[string]string{"in the middle of appends": "", "some time after appends": "1"} {
		t.Run(name, func(t *testing.T) {
			for every := 250 * time.Millisecond; every <= 4*time.Second; every *= 2 {
				lost, early, late := killWithSyncEvery(t, every, "REPRISE_CRASH_BURST="+burst)
				t.Logf("SyncEvery %v: %d confirmed before that, %d later, of which %d are lost",
					every, early, late, lost)
				if lost >= 0 {
					return
				}
			}
			t.Error("events that were confirmed long before the kill are lost")
		})
	}
}

// killWithSyncEvery kills a process that appends. It returns how many events were confirmed more
// than SyncEvery before, how many later, and how many of the later ones are lost: -1 if an early
// one is.
func killWithSyncEvery(t *testing.T, every time.Duration, env string) (lost, early, late int) {
	t.Helper()
	k := newKiller(t)
	at := map[uint64]time.Time{} // when a confirmation of session s was read, which is not before it was made
	var killed time.Time
	k.run(func(lines <-chan string) {
		for enough := time.After(2 * every); killed.IsZero(); {
			select {
			case line := <-lines:
				k.note(line)
				var seq uint64
				if n, _ := fmt.Sscanf(line, "s %d", &seq); n == 1 {
					at[seq] = time.Now()
				}
			case <-enough:
				killed = time.Now()
			}
		}
	}, fmt.Sprint("REPRISE_CRASH_SYNC=", every), env)
	s := openStore(t, k.dir, Config{MinFree: -1})
	var events []ring.Event
	if _, err := s.Info(bg, "s"); err == nil { // else all is lost
		events = readAll(t, s, "s")
	}
	for seq, want := range k.confirmed["s"] {
		isEarly := !at[seq].IsZero() && killed.Sub(at[seq]) > every
		if isEarly {
			early++
		} else {
			late++
		}
		switch {
		case seq <= uint64(len(events)):
			if e := events[seq-1]; e.Seq != seq || e.ID+" "+string(e.Data) != want {
				t.Fatalf("event %d is %d %q %q, confirmed was %q", seq, e.Seq, e.ID, e.Data, want)
			}
		case isEarly:
			return -1, early, late
		default:
			lost++
		}
	}
	if early == 0 {
		return -1, early, late // the machine was too slow to tell
	}
	return lost, early, late
}
