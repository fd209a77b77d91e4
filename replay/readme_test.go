package replay_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// The README's first program, with a client that breaks off after two events and comes back.
func Example_readme() {
	mux := http.NewServeMux()
	sessions, _ := shard.New(shard.Config{})
	defer sessions.Close()
	events := &replay.Handler{Store: replay.Local(sessions)}
	mux.Handle("/events", events)

	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		session, _ := sessions.Create(shard.Metadata{})
		go func() {
			for i := range 100 {
				session.Append(ring.Event{Data: fmt.Appendf(nil, "token %d", i)})
			}
			session.Finish()
		}()
		fmt.Fprint(w, session.ID())
	})

	server := httptest.NewServer(mux)
	defer server.Close()
	resp, _ := http.Post(server.URL+"/start", "", nil)
	id, _ := io.ReadAll(resp.Body)
	resp.Body.Close()

	last, got := "", 0
	for attempt := range 2 {
		resp, _ := http.Get(server.URL + "/events?session=" + string(id) + "&last_event_id=" + last)
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				last = id
			}
			if strings.HasPrefix(lines.Text(), "data: ") {
				if got++; attempt == 0 && got == 2 {
					break
				}
			}
		}
		resp.Body.Close()
	}
	fmt.Println(got)
	// Output: 100
}
