package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
)

func TestMain(m *testing.M) {
	if isVictim() {
		if err := runVictim(os.Stdout, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testkit.Main(m)
}

// invoke runs the command with a plain screen.
func invoke(ctx context.Context, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(ctx, args, &screen{Writer: &o}, &e)
	return code, o.String(), e.String()
}

func TestWrongValuesAreNamedAndExitWith2(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-sessions 0", "-sessions is 0, want 1 to 1,000,000"},
		{"-sessions -5", "-sessions is -5"},
		{"-sessions 1000001", "-sessions is 1000001"},
		{"-sessions many", `invalid value "many" for flag -sessions`},
		{"-event-size 15", "-event-size is 15, want 16 to 1,048,576 bytes"},
		{"-event-size 2000000", "-event-size is 2000000"},
		{"-sessions 1000000 -event-size 1024", "-sessions is 1000000 and -event-size 1024, want a product of " +
			"536,870,912 bytes at most"},
		{"-duration 10ms", "-duration is 10ms, want 100ms to 10m0s"},
		{"-duration 5", `invalid value "5" for flag -duration`},
		{"-duration 1h", "-duration is 1h0m0s"},
		{"-seed -1", `invalid value "-1" for flag -seed`},
		{"serve -addr localhost", `-addr is "localhost", want host:port`},
		{"serve -addr :99999", `-addr is ":99999", want a port from 0 to 65535`},
		{"serve -addr :http", `-addr is ":http", want a port`},
		{"-colour", "flag provided but not defined: -colour"},
		{"servve", `unexpected argument "servve"`},
		{"-seed 1 serve", `unexpected argument "serve"`},
	} {
		code, out, errs := invoke(t.Context(), strings.Fields(c.args)...)
		if code != 2 || !strings.Contains(errs, c.want) || !strings.Contains(errs, "--help") || out != "" {
			t.Errorf("demo %s: exit code %d, %q, %q; want 2 and %q", c.args, code, out, errs, c.want)
		}
	}
}

func TestHelpNamesEveryFlagWithItsDefaultAndExitsWith0(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"serve", "--help"}} {
		code, out, errs := invoke(t.Context(), args...)
		if code != 0 || errs != "" {
			t.Errorf("demo %v: exit code %d, %q", args, code, errs)
		}
		for _, want := range []string{"-sessions", "10,000", "-event-size", "256", "-duration", "5s", "-seed",
			"-addr", "127.0.0.1:8080", "NO_COLOR"} {
			if !strings.Contains(out, want) {
				t.Errorf("demo %v does not mention %s", args, want)
			}
		}
	}
}

func TestACallLosesNothingThroughCuts(t *testing.T) {
	cfg := defaults()
	cfg.events, cfg.cuts = 300, 3
	var out bytes.Buffer
	if err := resume(t.Context(), cfg, &screen{Writer: &out}); err != nil {
		t.Fatalf("seed %d: %v\n%s", cfg.seed, err, &out)
	}
	for _, want := range []string{`sent +300 `, `received +300\n`, `lost +0\n`, `duplicated +0\n`,
		`out of order +0\n`, `cuts +3 `} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
}

func TestWhatIsLostDoubledMisorderedOrDamagedIsCounted(t *testing.T) {
	seen := newAudit(6)
	for _, number := range []int{1, 2, 2, 5, 4, 9} {
		seen.add(number, true)
	}
	seen.add(6, false)
	var o outcome
	seen.sum(&o)
	if o.received != 7 || o.lost != 2 || o.duplicated != 1 || o.disordered != 1 || o.wrong != 2 {
		t.Fatalf("%+v", o)
	}
	cfg := config{events: 6}
	if o.sent = 6; o.err(cfg) == nil {
		t.Error("no error")
	}
	if err := (outcome{sent: 6, received: 6}).err(cfg); err != nil {
		t.Error(err)
	}
	if (outcome{sent: 6, received: 6, cuts: 1}).err(config{events: 6, cuts: 1}) == nil {
		t.Error("no error for a cut without a resume")
	}
}

func TestTheLoadHoldsAndEndsInATable(t *testing.T) {
	for _, c := range []struct{ sessions, size int }{{500, 256}, {1, minEventSize}, {3, maxEventSize}} {
		cfg := defaults()
		cfg.sessions, cfg.eventSize, cfg.duration = c.sessions, c.size, 300*time.Millisecond
		var out bytes.Buffer
		if err := load(t.Context(), cfg, &screen{Writer: &out}); err != nil {
			t.Fatalf("%d sessions, %d bytes, seed %d: %v\n%s", c.sessions, c.size, cfg.seed, err, &out)
		}
		for _, want := range []string{"events/s", "p50", "p99.9", "max", "bytes/session", "heap objects", "collector"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the table lacks %q:\n%s", want, &out)
			}
		}
	}
}

func TestAFaultIsToldAndFailsTheLoad(t *testing.T) {
	var f faults
	if f.err() != nil {
		t.Fatal("a fault before any")
	}
	f.add("first")
	f.add("second")
	if err := f.err(); err == nil || !strings.Contains(err.Error(), "2 faults; the first: first") {
		t.Fatal(err)
	}
}

func TestAStampTellsBytesOfTwoEventsApart(t *testing.T) {
	for _, size := range []int{minEventSize, 17, 256} {
		a, b := make([]byte, size), make([]byte, size)
		stamp(a, 7)
		stamp(b, 8)
		if n, whole := number(a); n != 7 || !whole {
			t.Errorf("size %d: %d, %v", size, n, whole)
		}
		copy(a[size-8:], b[size-8:])
		if _, whole := number(a); whole {
			t.Errorf("size %d: torn bytes pass for whole", size)
		}
	}
}

// firstURL waits for the server's address in what serve prints.
type firstURL struct {
	bytes.Buffer
	url chan string
}

func (f *firstURL) Write(p []byte) (int, error) {
	if url := regexp.MustCompile(`http://[^\s\x1b]+`).Find(p); url != nil && f.Len() == 0 {
		f.url <- string(url)
	}
	return f.Buffer.Write(p)
}

func TestServeServesUntilItIsToldToStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out := &firstURL{url: make(chan string, 1)}
	code := make(chan int)
	var errs bytes.Buffer
	go func() { code <- run(ctx, []string{"serve", "-addr", "127.0.0.1:0"}, &screen{Writer: out}, &errs) }()

	web := &http.Client{Transport: &http.Transport{}}
	defer web.CloseIdleConnections()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(
		t.Context(),
		&mcp.StreamableClientTransport{Endpoint: <-out.url, HTTPClient: web},
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	params := &mcp.CallToolParams{Name: "stream", Arguments: streamInput{Count: 3, IntervalMS: 1}}
	params.SetProgressToken("t")
	result, err := session.CallTool(t.Context(), params)
	if err != nil || fmt.Sprint(result.StructuredContent) != "map[sent:3]" {
		t.Fatalf("%+v, %v", result, err)
	}
	stop() // while the client's standalone stream hangs
	if c := <-code; c != 0 || errs.Len() > 0 {
		t.Fatalf("exit code %d, %s", c, &errs)
	}
	if !strings.HasSuffix(out.String(), "stopped\n") {
		t.Fatalf("it ends with %q", out.String())
	}
	session.Close()
}

func TestServeSaysWhyItCannotListen(t *testing.T) {
	code, _, errs := invoke(t.Context(), "serve", "-addr", "192.0.2.1:80")
	if code != 1 || !strings.Contains(errs, `-addr is "192.0.2.1:80"`) {
		t.Fatalf("exit code %d, %q", code, errs)
	}
}

func TestNumbersAndTimesAreWrittenForReading(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234",
		-123: "-123"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{312: "312 ns", 12_400: "12.4 µs", 3_140_000: "3.1 ms",
		3200 * time.Millisecond: "3.20 s"} {
		if got := short(d); got != want {
			t.Errorf("short(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestColourIsForTerminalsOnly(t *testing.T) {
	var out bytes.Buffer
	s := &screen{Writer: &out}
	s.verdict(nil, "well")
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("escape codes in %q", out.String())
	}
	s.colour = true
	s.verdict(nil, "well")
	if !strings.Contains(out.String(), "\x1b[32m") {
		t.Errorf("no colour in %q", out.String())
	}
}
