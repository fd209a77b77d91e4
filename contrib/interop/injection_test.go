package interop

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// evils are what an attacker would have in a field so that it ends the line, and what follows is a
// field or a header of its own.
var evils = []string{
	"\r\nX-Forged: 1",
	"\nid: forged",
	"\rdata: planted",
	"\x00",
	"a\r\n\r\nb",
	"\r\n\r\nHTTP/1.1 200 OK\r\n\r\nforged",
}

func TestNoFieldThatEndsALineIsStored(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	for _, evil := range evils {
		for field, e := range map[string]ring.Event{"ID": {ID: "x" + evil}, "Stream": {Stream: "x" + evil},
			"Type": {Type: "x" + evil}} {
			if _, err := s.Append(e); !errors.Is(err, ring.ErrInvalidEvent) || !strings.Contains(err.Error(), field) {
				t.Errorf("an event whose %s is %q: %v", field, evil, err)
			}
		}
		if _, err := m.CreateWithID("x"+evil, shard.Metadata{}); !errors.Is(err, shard.ErrInvalidID) {
			t.Errorf("session ID %q: %v", evil, err)
		}
	}
	if n := s.Info().Log.Events; n != 0 {
		t.Errorf("%d events are stored", n)
	}
}

// A Store of somebody else's may keep what ours refuses.
func TestAStoreWithoutScruplesCannotForgeAField(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "")
	var forged []ring.Event
	for _, evil := range evils {
		forged = append(forged, ring.Event{ID: "x" + evil, Type: "y" + evil, Data: []byte("z" + evil)})
	}
	h := &replay.Handler{Store: unscrupulous{replay.Local(m), forged}}
	answer := raw(t, listen(t, h, h.Close), request("GET", "/?session=s", ""))
	for _, line := range strings.FieldsFunc(answer, func(c rune) bool { return c == '\r' || c == '\n' }) {
		for _, evil := range evils {
			if field := strings.Trim(evil, "\r\n\x00"); field != "" && strings.HasPrefix(line, field) {
				t.Errorf("a line of its own: %q", line)
			}
		}
	}
	for name, want := range map[string]int{"id: x": len(evils), "event: y": len(evils), "data: z": len(evils),
		"HTTP/1.1 200": 1} {
		if got := strings.Count(answer, "\n"+name) + strings.Count(answer[:len(name)], name); got != want {
			t.Errorf("%d lines begin with %q, want %d", got, name, want)
		}
	}
}

func TestNothingOfARequestComesBackInAnAnswer(t *testing.T) {
	m := newManager(t, shard.Config{})
	fill(t, create(t, m, "s", ""), 1)
	h := &replay.Handler{Store: replay.Local(m)}
	addr := listen(t, h, h.Close)
	expected := []string{
		"Cache-Control",
		"Connection",
		"Content-Length",
		"Content-Type",
		"Date",
		"X-Content-Type-Options",
	}
	for _, evil := range append(evils, "<script>forged</script>", "forged", strings.Repeat("forged", 100)) {
		for what, attack := range map[string]string{
			"session in the query":    request("GET", "/?session="+escape(evil), ""),
			"event ID in the query":   request("GET", "/?session=s&last_event_id=x"+escape(evil), ""),
			"session in a header":     request("GET", "/", "", "Mcp-Session-Id: x"+evil),
			"event ID in a header":    request("GET", "/?session=s", "", "Last-Event-ID: x"+evil),
			"origin":                  request("GET", "/?session=s", "", "Origin: http://x"+evil),
			"accept":                  request("GET", "/?session=s", "", "Accept: x"+evil),
			"session of a DELETE":     request("DELETE", "/?session="+escape(evil), ""),
			"path":                    request("GET", "/"+escape(evil)+"?session=none", ""),
			"user that is asked for":  request("GET", "/?session=none", "x"+evil),
			"a parameter of no store": request("GET", "/?session=none&x="+escape(evil), ""),
		} {
			answer := rawStream(t, addr, attack)
			head, body, _ := strings.Cut(answer, "\r\n\r\n")
			// the evil part became a header or a request of its own, and that is the attacker's to
			// send
			if status(answer) == http.StatusOK {
				continue
			}
			if strings.Contains(strings.ToLower(answer), "forged") {
				t.Errorf("%s %q: %q", what, evil, answer)
			}
			if n := strings.Count(body, "HTTP/1.1"); n > 0 {
				t.Errorf("%s %q: %d answers more", what, evil, n)
			}
			for _, line := range strings.Split(head, "\r\n")[1:] {
				if name, _, _ := strings.Cut(line, ":"); !slices.Contains(expected, name) {
					t.Errorf("%s %q: header %q", what, evil, line)
				}
			}
		}
	}
}

// The one thing that does come back is the last event ID in a gap event: as JSON, in which no line
// can end.
func TestAGapEventCannotBeMadeToCarryALine(t *testing.T) {
	m := newManager(t, shard.Config{})
	fill(t, create(t, m, "s", ""), 1)
	h := &replay.Handler{Store: replay.Local(m), OnGap: replay.GapFromOldest}
	addr := listen(t, h, h.Close)
	for id, want := range map[string]int{
		`x", "first": 99, "y": "`: 200, "</script><script>": 200, "\u2028id: forged": 200, "\u0085data: forged": 200,
		"x\nid: forged": 400, "x\rid: forged": 400, "x\x00": 400, "x\xff\xfe": 400,
	} {
		answer := exchange(
			t,
			addr,
			request("GET", "/?session=s&last_event_id="+escape(id), ""),
			func(answer string) bool {
				return strings.Contains(answer, "event 0")
			},
		)
		if status(answer) != want {
			t.Errorf("%q: status %d, want %d", id, status(answer), want)
		}
		if want == 200 &&
			(strings.Count(answer, `"first":1}`) != 1 || strings.Count(answer, "\nid: ") != 2 ||
				strings.Contains(answer, "<script>")) {
			t.Errorf("%q: %q", id, answer)
		}
	}
}

// escape is percent encoding of every byte.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}
