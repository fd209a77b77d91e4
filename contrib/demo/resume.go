package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	comeBack     = 100 * time.Millisecond // what the server tells clients to wait after a broken connection
	resumeLimit  = time.Minute            // for the whole call
	straggleTime = 5 * time.Second        // for what is still on its way through the client when the call has returned
)

// outcome is what became of the call.
type outcome struct {
	sent, received, lost, duplicated, disordered, wrong int
	cuts                                                int
	resumes                                             int64
	replayed                                            uint64
	took                                                time.Duration
}

// resume is part 1: it shows the call while it runs, and then what became of it.
func resume(ctx context.Context, cfg config, out *screen) error {
	limited, cancel := context.WithTimeout(ctx, resumeLimit)
	defer cancel()
	o, err := callThroughCuts(limited, cfg, out.progress(int64(cfg.events)))
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		err = fmt.Errorf("part 1: the call failed: %w", err)
	} else {
		err = o.err(cfg)
	}
	out.table([]row{
		{"sent", grouped(int64(o.sent)), "progress notifications"},
		{"received", grouped(int64(o.received)), ""},
		{"lost", grouped(int64(o.lost)), ""},
		{"duplicated", grouped(int64(o.duplicated)), ""},
		{"out of order", grouped(int64(o.disordered)), ""},
		{"cuts", grouped(int64(o.cuts)), "the connection reset on both sides, in mid-stream"},
		{"resumes", grouped(o.resumes), "the client back with Last-Event-ID"},
		{"replayed", grouped(int64(o.replayed)), "sent while nobody was listening, or lost in the cut"},
		{"time", short(o.took), ""},
	})
	out.verdict(err, "every event arrived once and in order")
	return err
}

// err tells what did not hold.
func (o outcome) err(cfg config) error {
	if o.sent != cfg.events || o.lost+o.duplicated+o.disordered+o.wrong != 0 {
		return fmt.Errorf("part 1: of %d events %d were sent, %d lost, %d duplicated, %d out of order, %d damaged",
			cfg.events, o.sent, o.lost, o.duplicated, o.disordered, o.wrong)
	}
	if o.cuts != cfg.cuts || o.resumes < int64(o.cuts) {
		return fmt.Errorf("part 1: %d of %d cuts and %d resumes", o.cuts, cfg.cuts, o.resumes)
	}
	return nil
}

// callThroughCuts lets a real client call a real server's tool through a proxy that cuts the
// connection.
func callThroughCuts(ctx context.Context, cfg config, shown *progress) (o outcome, err error) {
	b, err := newBackend("127.0.0.1:0", comeBack, false)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	p, err := newCutting(b.addr, cfg.cuts)
	if err != nil {
		return o, err
	}
	defer p.Close()
	// The tool sends its last event when the last cut has been made, so that every cut hits a
	// stream that is running.
	b.lastGate = func(ctx context.Context) error {
		select {
		case <-p.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	seen := newAudit(cfg.events)
	began := time.Now()
	o.sent, err = callTool(ctx, cfg, p, seen, shown)
	o.took = time.Since(began)
	shown.end()
	seen.sum(&o)
	o.cuts, o.resumes, o.replayed = p.Cuts(), b.resumes.Load(), b.manager.Stats().Replayed
	return o, err
}

// callTool connects, calls the tool and waits until what it sent has arrived. It returns how much
// that was.
func callTool(ctx context.Context, cfg config, p *cutting, seen *audit, shown *progress) (sent int, err error) {
	cutter := newCutter(cfg, p)
	client := mcp.NewClient(&mcp.Implementation{Name: "reprise-demo", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			number := int(r.Params.Progress)
			received := seen.add(number, r.Params.Message == message(number))
			cutter.at(number)
			shown.set(
				int64(received),
				fmt.Sprintf("%s received, %d of %d cuts", grouped(int64(received)), p.Cuts(), cfg.cuts),
			)
		},
	})
	web := &http.Client{Transport: &http.Transport{}}
	defer web.CloseIdleConnections()
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint:             p.URL() + path,
		HTTPClient:           web,
		DisableStandaloneSSE: true, // the cuts are for the call's stream
		MaxRetries:           100,
	}, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	params := &mcp.CallToolParams{
		Name:      "stream",
		Arguments: streamInput{Count: cfg.events, IntervalMS: int(cfg.interval.Milliseconds())},
	}
	params.SetProgressToken("demo")
	result, err := session.CallTool(ctx, params)
	if err != nil {
		return 0, err
	}
	select {
	case <-seen.complete:
	case <-time.After(straggleTime):
	}
	return sentBy(result)
}

// sentBy reads the tool's own count.
func sentBy(result *mcp.CallToolResult) (int, error) {
	output, _ := result.StructuredContent.(map[string]any)
	sent, ok := output["sent"].(float64)
	if !ok || result.IsError {
		return 0, fmt.Errorf("the tool answered %v", result.Content)
	}
	return int(sent), nil
}

// cutter decides when the connection is cut: once in each of as many stretches of the stream, at a
// random event and then at a random byte.
type cutter struct {
	proxy  *cutting
	rng    *rand.Rand
	points []int
}

func newCutter(cfg config, p *cutting) *cutter {
	c := &cutter{proxy: p, rng: rand.New(rand.NewPCG(cfg.seed, 1))}
	for i := range cfg.cuts {
		stretch := cfg.events / cfg.cuts
		c.points = append(c.points, i*stretch+1+c.rng.IntN(max(1, stretch*3/4)))
	}
	return c
}

// at is told of each event that the client receives, one at a time.
func (c *cutter) at(number int) {
	const (
		// more bytes than a response's headers: cutting those would be a failed request, not a
		// broken stream
		headers = 400
		events  = 1600
		within  = 50 * time.Millisecond
	)
	if len(c.points) > 0 && number >= c.points[0] && c.proxy.arm(headers+c.rng.IntN(events), within) {
		c.points = c.points[1:]
	}
}
