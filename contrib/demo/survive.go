package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	surviveLimit = time.Minute            // for the whole act
	retryPause   = 100 * time.Millisecond // of a client that finds no server
	victimDir    = "REPRISE_DEMO_DIR"     // set for the process that is killed: where its files are
	victimAddr   = "REPRISE_DEMO_ADDR"    // and where it listens
	victimEvents = "REPRISE_DEMO_EVENTS"  // and how many events it appends in all
)

// survive is part 3: the process that appends and serves is killed in the middle, by a signal that
// it cannot catch, and started again on the same files.
func survive(ctx context.Context, cfg config, out *screen) error {
	limited, cancel := context.WithTimeout(ctx, surviveLimit)
	defer cancel()
	o, err := followThroughDeath(limited, cfg, out.progress(int64(cfg.durable)))
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err == nil && (o.lost+o.duplicated+o.disordered+o.wrong != 0 || o.received != cfg.durable) {
		err = fmt.Errorf("of %d events %d came, %d lost, %d duplicated, %d out of order, %d damaged",
			cfg.durable, o.received, o.lost, o.duplicated, o.disordered, o.wrong)
	}
	if err != nil {
		err = fmt.Errorf("part 3: %w", err)
	}
	out.table([]row{
		{"received", grouped(int64(o.received)), "events, each on disk before it was confirmed"},
		{"lost", grouped(int64(o.lost)), ""},
		{"duplicated", grouped(int64(o.duplicated)), ""},
		{"out of order", grouped(int64(o.disordered)), ""},
		{"kills", grouped(int64(o.cuts)), "SIGKILL for the whole server"},
		{"confirmed", grouped(int64(o.sent)), "when it died"},
		{"away", short(o.took), "until the client was served again"},
	})
	out.verdict(err, "what was confirmed outlived its process")
	return err
}

// followThroughDeath follows the server from beginning to end, and kills it half way. In outcome,
// sent is what it had confirmed then, cuts the kills and took the time until a client came through.
func followThroughDeath(ctx context.Context, cfg config, shown *progress) (o outcome, err error) {
	dir, err := os.MkdirTemp("", "reprise-demo")
	if err != nil {
		return o, err
	}
	defer os.RemoveAll(dir)
	v, err := startVictim(ctx, dir, "127.0.0.1:0", cfg.durable)
	if err != nil {
		return o, err
	}
	defer func() { v.kill() }()
	seen := newAudit(cfg.durable)
	var died time.Time
	last := ""
	for {
		finished, err := readStream(ctx, v.addr, &last, func(number int) error {
			if !died.IsZero() && o.took == 0 {
				o.took = time.Since(died)
			}
			received := seen.add(number, true)
			shown.set(int64(received), fmt.Sprintf("%s received, kills: %d", grouped(int64(received)), o.cuts))
			if received == cfg.durable/2 && o.cuts == 0 {
				v.kill()
				died, o.sent, o.cuts = time.Now(), int(v.confirmed.Load()), 1
				return errKilled
			}
			return nil
		})
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
		case errors.Is(err, errKilled):
			if v, err = startVictim(ctx, dir, v.addr, cfg.durable); err != nil {
				break
			}
			if v.found >= o.sent {
				continue
			}
			err = fmt.Errorf("event %d was confirmed, and the newest that is left is %d", o.sent, v.found)
		case err == nil && !finished:
			time.Sleep(retryPause)
			continue
		}
		shown.end()
		seen.sum(&o)
		return o, err
	}
}

var errKilled = errors.New("the server was killed")

// readStream reads one response of the server to its end. It keeps the last event ID as an
// EventSource does, and is true when the server says that there is no more.
func readStream(ctx context.Context, addr string, last *string, got func(number int) error) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/events?session="+victimSession, nil)
	if err != nil {
		return false, err
	}
	r.Header.Set("Last-Event-ID", *last)
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return false, nil // not there yet, or no more: try again
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		return true, nil
	default:
		return false, fmt.Errorf("the server answers %s after event %q", resp.Status, *last)
	}
	id, data := *last, ""
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "id":
			id = value
		case field == "data":
			data = value
		case field == "": // the end of an event, or of an ID alone
			*last = id
			if data == "" {
				continue
			}
			number, err := strconv.Atoi(data)
			if err != nil {
				return false, fmt.Errorf("an event says %q", data)
			}
			data = ""
			if err := got(number); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// A victim is the process that appends and serves.
type victim struct {
	command   *exec.Cmd
	addr      string
	found     int          // the newest event that was there when it began
	confirmed atomic.Int64 // the newest event that it has confirmed
	read      chan struct{}
}

// startVictim starts this program again, as the process that is killed, and waits until it listens.
func startVictim(ctx context.Context, dir, addr string, events int) (*victim, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	v := &victim{command: exec.CommandContext(ctx, self), read: make(chan struct{})}
	v.command.Env = append(os.Environ(),
		victimDir+"="+dir, victimAddr+"="+addr, fmt.Sprintf("%s=%d", victimEvents, events))
	v.command.Stderr = os.Stderr
	// Its end tells the victim that nobody wants it any more.
	if _, err := v.command.StdinPipe(); err != nil {
		return nil, err
	}
	pipe, err := v.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := v.command.Start(); err != nil {
		return nil, err
	}
	said := bufio.NewScanner(pipe)
	listening := said.Scan()
	if _, err := fmt.Sscan(said.Text(), &v.addr, &v.found); !listening || err != nil {
		close(v.read)
		v.kill()
		return nil, errors.New("the server did not start")
	}
	go func() {
		defer close(v.read)
		for said.Scan() {
			if n, err := strconv.ParseInt(said.Text(), 10, 64); err == nil {
				v.confirmed.Store(n)
			}
		}
		io.Copy(io.Discard, pipe)
	}()
	return v, nil
}

// kill ends the process with SIGKILL and returns when all that it said has been read.
func (v *victim) kill() {
	if v == nil {
		return
	}
	v.command.Process.Kill()
	<-v.read
	v.command.Wait()
}
