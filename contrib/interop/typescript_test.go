package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/npm"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/shard"
)

const (
	notifications = 500
	cuts          = 10
	stride        = notifications / (cuts + 1) // from one cut to the next
)

// line is what testdata/progress.mjs writes.
type line struct {
	Progress int    `json:"progress"`
	Message  string `json:"message"`
	Result   string `json:"result"`
	Broken   int    `json:"broken"`
}

func TestTheTypeScriptClientLosesNothingWhenItsConnectionIsCutTenTimes(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	p := proxy.New(t, b.addr)
	plan := &cutPlan{proxy: p, seen: newGauge()}
	mcp.AddTool(b.server, &mcp.Tool{Name: "progress"}, plan.tool)

	last := callFromTypeScript(t, p.URL()+"/mcp", func(i int, l line) {
		if l.Progress != i || l.Message != text(i) {
			t.Errorf("notification %d is number %d, %.80q", i, l.Progress, l.Message)
		}
		plan.seen.set(i)
	})
	if last.Result != "done" || plan.seen.n != notifications {
		t.Errorf("result %q after %d notifications", last.Result, plan.seen.n)
	}
	if plan.made.Load() != cuts || last.Broken < cuts || b.seen.resumes() < cuts {
		t.Errorf(
			"%d cuts; the client saw %d, the server %d resumptions",
			plan.made.Load(),
			last.Broken,
			b.seen.resumes(),
		)
	}
	testkit.Eventually(t, "the client's DELETE ends the session", func() bool { return b.manager.Stats().Active == 0 })
}

// text is what notification i says: not ASCII alone, so that a cut may fall between the bytes of a
// character.
func text(i int) string { return fmt.Sprintf("Fortschritt %d — 進捗 — прогресс", i) }

// A cutPlan is a tool that has its own connection cut while it sends.
type cutPlan struct {
	proxy *proxy.Proxy
	seen  *gauge // the newest notification that the client has
	made  atomic.Int64
	cut   <-chan struct{}
}

func (p *cutPlan) tool(ctx context.Context, r *mcp.CallToolRequest, in struct {
	Count int `json:"count"`
}) (*mcp.CallToolResult, any, error) {
	for i := 1; i <= in.Count; i++ {
		note := &mcp.ProgressNotificationParams{
			ProgressToken: r.Params.GetProgressToken(),
			Progress:      float64(i),
			Message:       text(i),
		}
		if err := r.Session.NotifyProgress(ctx, note); err != nil {
			return nil, nil, err
		}
		if err := p.step(ctx, i); err != nil {
			return nil, nil, err
		}
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil, nil
}

// step arms a cut at every stride, which the next twenty notifications set off, at a random byte.
// It first waits until the client has something that was sent after the cut before: then it has
// come back, and knows where it is. (A TypeScript client whose resumed stream breaks inside its
// first event forgets its Last-Event-ID.)
func (p *cutPlan) step(ctx context.Context, i int) error {
	const behind, ahead = 20, 20
	ctx, cancel := context.WithTimeout(ctx, testkit.Patience)
	defer cancel()
	switch {
	case i%stride == 0 && p.made.Load() < cuts:
		if err := p.seen.wait(ctx, i-behind); err != nil {
			return fmt.Errorf("waiting for the client to see %d: %w", i-behind, err)
		}
		fuse, _ := p.proxy.CutAfter(1 + rand.IntN(2000))
		p.cut = fuse.Done
		p.made.Add(1)
	case i%stride == ahead && p.cut != nil:
		select {
		case <-p.cut:
		case <-ctx.Done():
			return fmt.Errorf("waiting for cut %d: %w", p.made.Load(), ctx.Err())
		}
	}
	return nil
}

// callFromTypeScript runs the client against url. It hands the notifications to seen, with their
// number, and returns what came last.
func callFromTypeScript(t *testing.T, url string, seen func(i int, l line)) (last line) {
	t.Helper()
	client := npm.Node(t, "testdata/progress.mjs", url, fmt.Sprint(notifications))
	var complaints bytes.Buffer
	client.Stderr = &complaints
	out, err := client.StdoutPipe()
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, lines := 1, json.NewDecoder(bufio.NewReader(out)); ; i++ {
		var l line
		if err := lines.Decode(&l); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("line %d: %v", i, err)
			}
			break
		}
		if l.Result == "" {
			seen(i, l)
		}
		last = l
	}
	if err := client.Wait(); err != nil {
		t.Errorf("the client ended with %v:\n%s", err, &complaints)
	}
	return last
}

// TypeScript SDK 1.32.2 forgets Last-Event-ID when a resumed stream breaks inside its first event,
// if nothing before it says where it is.
func TestTheTypeScriptClientSurvivesACutInsideTheFirstEventAfterAResumption(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	p := proxy.New(t, b.addr)
	seen := newGauge()
	mcp.AddTool(
		b.server,
		&mcp.Tool{Name: "progress"},
		func(ctx context.Context, r *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			ctx, cancel := context.WithTimeout(ctx, testkit.Patience)
			defer cancel()
			note := &mcp.ProgressNotificationParams{ProgressToken: "p", Progress: 1, Message: text(1)}
			if err := errors.Join(r.Session.NotifyProgress(ctx, note), seen.wait(ctx, 1)); err != nil {
				return nil, nil, err
			}
			p.Cut()                       // the first one: nothing is under way
			fuse, _ := p.CutAfter(20_000) // the second one: inside the first event after the client has come back
			note = &mcp.ProgressNotificationParams{
				ProgressToken: "p",
				Progress:      2,
				Message:       strings.Repeat("x", 100<<10),
			}
			if err := r.Session.NotifyProgress(ctx, note); err != nil {
				return nil, nil, err
			}
			select {
			case <-fuse.Done:
			case <-ctx.Done():
				return nil, nil, errors.New("no second cut")
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil, nil
		},
	)
	last := callFromTypeScript(t, p.URL()+"/mcp", func(i int, l line) { seen.set(i) })
	if last.Result != "done" || seen.n != 2 || b.seen.resumes() < 2 {
		t.Errorf("result %q after %d notifications and %d resumptions", last.Result, seen.n, b.seen.resumes())
	}
}
