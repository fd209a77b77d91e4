package inspector

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestTheTableIsSortedFilteredAndPaged(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 10}})
	h := newHandler(t, m)
	for i := range 40 {
		s := create(t, m, fmt.Sprintf("%08d-and-more-that-is-secret", i), fmt.Sprintf("user-%02d", i/2))
		for n := range i % 12 {
			appendTo(t, s, ring.Event{Data: fmt.Append(nil, n+1)})
		}
		if i == 7 {
			s.Finish()
		}
	}
	table := func(query string) (matched int, principals string) {
		t.Helper()
		got := fetch[shownTable](t, h, "/sessions.json?"+query)
		var all []string
		for _, r := range got.Rows {
			all = append(all, strings.TrimPrefix(r.Principal, "user-"))
		}
		if got.Total != 40 || got.Truncated {
			t.Errorf("%s: %d looked at, truncated: %v", query, got.Total, got.Truncated)
		}
		return got.Matched, strings.Join(all, " ")
	}
	for query, want := range map[string]string{
		"sort=principal&limit=4":              "40: 00 00 01 01",
		"sort=principal&dir=desc&limit=4":     "40: 19 19 18 18",
		"sort=principal&limit=3&offset=4":     "40: 02 02 03",
		"sort=principal&limit=3&offset=39":    "40: 19",
		"sort=principal&limit=3&offset=1000":  "40: ",
		"sort=session&dir=desc&limit=2":       "40: 19 19",
		"q=user-03":                           "2: 03 03",
		"q=USER-03":                           "2: 03 03",
		"q=00000039":                          "1: 19",
		"q=secret":                            "0: ",
		"status=finished":                     "1: 03",
		"health=evicting&sort=principal":      "3: 05 11 17",
		"health=unhealthy&sort=principal":     "3: 05 11 17",
		"health=healthy&limit=0":              "37: ",
		"health=evicting&q=user-05&limit=200": "1: 05",
	} {
		if matched, rows := table(query); fmt.Sprintf("%d: %s", matched, rows) != want {
			t.Errorf("%s: %d: %s, want %s", query, matched, rows, want)
		}
	}
	for sort := range columns {
		if matched, _ := table("sort=" + sort); matched != 40 {
			t.Errorf("by %s: %d", sort, matched)
		}
	}
	for _, bad := range []string{"sort=secret", "limit=201", "limit=-1", "offset=x", "health=ill",
		"q=" + strings.Repeat("x", 101)} {
		if w := ask(h, "GET", "/sessions.json?"+bad); w.Code != 400 {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
}

func TestTheSessionsAreGoneThroughOnceInTwoSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		h := newHandler(t, m)
		total := func() int { return fetch[shownTable](t, h, "/sessions.json").Total }
		equal(t, "sessions", total(), 0)
		create(t, m, "one", "")
		time.Sleep(censusAge - 1)
		equal(t, "a moment before", total(), 0)
		time.Sleep(time.Nanosecond)
		equal(t, "then", total(), 1)
	})
}

func TestARequestForTheTableThatNobodyWaitsForIsNotServed(t *testing.T) {
	h := newHandler(t, newManager(t, shard.Config{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/sessions.json", nil))
	equal(t, "bytes", w.Body.Len(), 0)
}

// One op is a request for a page of the table: a census and a sort of all sessions, of which the
// sorted third is shown.
func BenchmarkTable(b *testing.B) {
	m := newManager(b, shard.Config{MaxSessions: -1})
	for i := range 100_000 {
		s, err := m.Create(shard.Metadata{Principal: fmt.Sprintf("user-%d", i*7919%100_000)})
		if err != nil {
			b.Fatal(err)
		}
		s.Append(ring.Event{Data: []byte("x")})
	}
	h := newHandler(b, m)
	for name, census := range map[string]bool{"census": true, "sort": false} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if census {
					h.drop(h.latest)
				}
				if w := ask(h, "GET", "/sessions.json?sort=principal&offset=30000"); w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
