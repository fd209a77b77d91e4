package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func clockScenarios() []scenario {
	return []scenario{
		{"idle", once, func(sizes) []string { return []string{nobody, managed} }, idle, idleRows},
		{"stopped", once, alone, stopped, stoppedRows},
	}
}

const (
	nobody       = "nothing"
	managed      = "a manager"
	idleSessions = 10_000
)

// idle measures the processor time in ns that a process uses which does nothing, with or without a
// manager of 10,000 idle sessions.
func idle(z sizes, variant string) figures {
	if variant == managed {
		m := open(idleSessions, retain)
		defer m.Close()
		for range idleSessions {
			s := must(m.Create(shard.Metadata{}))
			must(s.Append(ring.Event{}))
		}
	}
	time.Sleep(time.Second) // for the wheels to have taken in the new sessions
	before := processTime()
	time.Sleep(z.Idle)
	return figures{"cpu": float64(processTime() - before)}
}

func idleRows(z sizes, r results) []row {
	return []row{
		figure(
			fmt.Sprintf("processor time in %v of an idle process without a manager", z.Idle),
			nanoseconds(r.of(nobody, "cpu")),
		),
		atMost(fmt.Sprintf("the same with a manager of %s idle sessions, in parts per thousand", short(idleSessions)),
			r.of(managed, "cpu")/float64(z.Idle)*1000, 0.1, ""),
	}
}

// stopped has the system stop this process, as it stops all of them when it suspends a virtual
// machine, and asks for sessions when it goes on:
//
//	stood: ns for which the process stood still
//	early: times that a session is refused though its TTL is not over
//	stale: ns, after the process goes on, for which a session is still found whose time was over
//	forever: sessions that are still found when all have had their time
func stopped(z sizes, _ string) figures {
	m := must(shard.New(shard.Config{Linger: -1}))
	defer m.Close()
	ttls := []time.Duration{z.Stopped / 5, z.Stopped * 4 / 5, z.Stopped * 3 / 2, time.Hour}
	sessions := make([]*shard.Session, len(ttls))
	for i, ttl := range ttls {
		sessions[i] = must(m.CreateWith(shard.Options{TTL: ttl}))
	}
	last := time.Now()
	for _, s := range sessions {
		must(s.Append(ring.Event{})) // now the clock runs
	}
	resume := exec.Command("sh", "-c", fmt.Sprintf("sleep %v; kill -CONT %d", z.Stopped.Seconds(), os.Getpid()))
	must(0, resume.Start())
	must(0, syscall.Kill(os.Getpid(), syscall.SIGSTOP))
	for time.Since(last) < z.Stopped/2 { // the signal takes effect soon, not at once
	}
	f := figures{"stood": float64(time.Since(last)), "early": 0, "stale": 0, "forever": 0}
	resumed := time.Now()
	for time.Since(resumed) < 100*time.Millisecond {
		for i, s := range sessions {
			_, err := m.Get(s.ID())
			switch since := time.Since(last); {
			case errors.Is(err, shard.ErrNotFound) && since < ttls[i]:
				f["early"]++
			case err == nil && since > ttls[i]+expiryTick:
				f["stale"] = float64(time.Since(resumed))
			}
		}
	}
	must(0, resume.Wait())
	time.Sleep(time.Until(last.Add(ttls[2] + expiryTick)))
	for i, s := range sessions {
		_, err := m.Get(s.ID())
		if found := err == nil; found != (i == len(sessions)-1) {
			f["forever"]++
		}
	}
	return f
}

func stoppedRows(_ sizes, r results) []row {
	return []row{
		figure("a process was stopped, and went on after", nanoseconds(r.of("", "stood"))),
		exactly("sessions refused before their TTL", r.of("", "early"), 0),
		atMost(
			"a session whose time was over is still found, after the process goes on, for",
			r.of("", "stale")/1e6,
			1,
			" ms",
		),
		exactly("sessions that live on when their time is over, or do not when it is not", r.of("", "forever"), 0),
	}
}
