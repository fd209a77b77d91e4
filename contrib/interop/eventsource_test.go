package interop

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/npm"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// The EventSource clients of npm that are used most, each in its own way of saying where it was: by
// header or by query, with or without what the page was loaded with. Each has every event once
// through ten cuts, and stops when the session has finished.
func TestEventSourceClientsOfNpmHaveEachEventOnceThroughTenCuts(t *testing.T) {
	for client, is := range map[string]struct{ losesTorn, comesBackAfter204 bool }{
		"eventsource": {},
		// It takes 204 for a broken connection. A page that uses it closes it by the Handler's
		// DoneEvent; what ends it here is 404.
		"event-source-polyfill": {comesBackAfter204: true},
		// It goes by an ID as soon as it has read the line, and so leaves out an event inside of
		// which it was cut: here it is cut between two.
		"@microsoft/fetch-event-source": {losesTorn: true},
	} {
		t.Run(client, func(t *testing.T) {
			m := newManager(t, shard.Config{})
			s := create(t, m, "s", "")
			site := newSite(t, replay.Local(m))
			between := proxy.New(t, site.addr)
			script := npm.Node(t, "testdata/eventsource.mjs", client, "http://"+between.Addr()+"/events?session=s")
			out, err := script.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			script.Stderr = new(lockedBuffer)
			if err := script.Start(); err != nil {
				t.Fatal(err)
			}
			var stored []ring.Event
			lines := bufio.NewScanner(out)
			next := func() (line struct {
				ID, Data string
				Status   *int
			}) {
				t.Helper()
				if !lines.Scan() {
					t.Fatalf("the client has ended; it said: %s", script.Stderr)
				}
				if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
					t.Fatal(err)
				}
				return line
			}
			read := func(n int) {
				t.Helper()
				for _, e := range stored[len(stored)-n:] {
					if line := next(); line.ID != e.ID || line.Data != string(e.Data) {
						t.Fatalf("the client has %+v, want event %q %q", line, e.ID, e.Data)
					}
				}
			}
			for range 10 {
				stored = append(stored, fill(t, s, 10)...)
				read(10)
				fuse, _ := between.CutAfter(1 + rand.IntN(400))
				if is.losesTorn {
					fuse.Burn()
				}
				stored = append(stored, fill(t, s, 20)...)
				testkit.Await(t, "the cut", fuse.Done)
				read(20)
			}
			if err := s.Finish(); err != nil {
				t.Fatal(err)
			}
			last := http.StatusNoContent
			if is.comesBackAfter204 {
				testkit.Eventually(t, "it is told that there is no more", func() bool {
					answers := site.seen.answers()
					return answers[len(answers)-1] == last
				})
				s.Terminate()
				last = http.StatusNotFound
			}
			if line := next(); line.Status == nil {
				t.Errorf("after the end the client has %+v", line)
			}
			if err := script.Wait(); err != nil {
				t.Errorf("%v: %s", err, script.Stderr)
			}
			if answers := site.seen.answers(); answers[len(answers)-1] != last || len(answers) > 25 {
				t.Errorf("answers %d, want %d at last", answers, last)
			}
		})
	}
}
