package interop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// shown is an event as a page has it.
type shown struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data string `json:"data"`
}

// asShown is what a page must make of an event.
func asShown(e ring.Event) shown {
	s := shown{e.ID, e.Type, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(e.Data))}
	if s.Type == "" {
		s.Type = "message"
	}
	return s
}

func wantShown(t *testing.T, got []shown, want []ring.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("the page has %d events, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if w := asShown(want[i]); got[i] != w {
			t.Fatalf("event %d is %.80q in the page, want %.80q", i, got[i], w)
		}
	}
}

func TestABrowserHasEachEventOnceThroughTenCutsARestartAndAReload(t *testing.T) {
	f := newFollower(t)
	for i := range 10 {
		f.fill(t, 10)
		f.caughtUp(t)
		f.cut(t, 400, func() { f.fill(t, 20) })
		if i == 5 {
			f.restart(t, func() { f.fill(t, 20) })
		}
	}
	f.wantEverything(t)

	resumed := f.site.seen.resumes()
	f.reload(t)
	f.fill(t, 10)
	f.wantEverything(t)
	if f.site.seen.resumes() != resumed {
		t.Error("a new page sent Last-Event-ID: its query parameter was not what resumed it")
	}
	f.cut(t, 100, func() { f.fill(t, 10) }) // now there is a header as well as the parameter, and the header is newer
	f.wantEverything(t)
}

func TestABrowserStopsReconnectingOnceTheSessionHasFinished(t *testing.T) {
	f := newFollower(t)
	f.fill(t, 5)
	if err := f.session.Finish(); err != nil {
		t.Fatal(err)
	}
	f.until(t, "source.readyState === EventSource.CLOSED")
	f.wantEverything(t)
	if answers := f.site.seen.answers(); !slices.Equal(answers, []int{200, 204}) &&
		!slices.Equal(answers, []int{200, 200, 204}) {
		t.Errorf("answers %d, want streams and a 204 at last", answers)
	}
}

// An EventSource gives up for good on an error status, so that one moment without the Store would
// end it.
func TestABrowserOutlivesAStoreThatFailsIfToldToRetry(t *testing.T) {
	for _, retry := range []bool{true, false} {
		t.Run(fmt.Sprint("RetryOnError=", retry), func(t *testing.T) {
			m := newManager(t, shard.Config{})
			store := &failing{Store: replay.Local(m)}
			f := newFollowerOn(
				t,
				newSiteOf(t, &replay.Handler{Store: store, Retry: 20 * time.Millisecond, RetryOnError: retry}),
				create(t, m, "s", ""),
			)
			f.fill(t, 5)
			f.caughtUp(t)
			store.down.Store(true)
			f.cut(t, 50, func() { f.fill(t, 5) })
			if !retry {
				f.until(t, "source.readyState === EventSource.CLOSED")
				return
			}
			testkit.Eventually(t, "the browser tries several times", func() bool { return store.asked.Load() >= 5 })
			store.down.Store(false)
			f.wantEverything(t)
		})
	}
}

// failing is a Store that cannot be reached while it is down.
type failing struct {
	replay.Store
	down  atomic.Bool
	asked atomic.Int64 // while it was down
}

func (f *failing) Info(ctx context.Context, id string) (shard.Info, error) {
	if f.down.Load() {
		f.asked.Add(1)
		return shard.Info{}, errors.New("no route to the store")
	}
	return f.Store.Info(ctx, id)
}
