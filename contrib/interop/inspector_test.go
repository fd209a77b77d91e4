package interop

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/shard"
)

const (
	haveRows   = `document.querySelectorAll('#sessions tbody tr').length === 25`
	isLive     = `document.getElementById('state').dataset.state === 'live'`
	firstOwner = `document.querySelector('#sessions tbody .c-principal')?.textContent`
)

var desktop = [2]int64{1440, 900}

// settle waits until the charts have something to show: a while, if somebody is going to look at
// them.
func (st *stage) settle(t *testing.T) {
	st.until(t, isLive)
	st.until(t, `document.querySelectorAll('#sessions tbody tr').length >= 10`)
	points := `document.querySelector('#chart-events path.line').getAttribute('d').split('L').length`
	st.until(t, points+` > 2`)
	if os.Getenv("REPRISE_SCREENSHOTS") != "" {
		st.until(t, points+` > 25`)
	}
}

func TestTheInspectorShowsSessionsLive(t *testing.T) {
	st := newStage(t, desktop)
	st.prefer(t, "light")
	st.open(t, st.url)
	st.settle(t)
	st.picture(t, "overview-light")

	shown := value[string](t, st.tab, `document.querySelector('#tile-sessions .value').textContent`)
	create(t, st.manager, "one-more-session", "somebody-else")
	st.until(t, `document.querySelector('#tile-sessions .value').textContent !== '`+shown+`'`)
	st.until(t, `/B\/s · .* ever$/.test(document.querySelector('#tile-rate .note').textContent)`)
	st.until(t, `/appended[\d.]+ [KMG]iB/.test(document.querySelector('#totals').textContent)`)
	for _, problem := range []string{"overtaken", "lagging", "evicting", "unread"} {
		st.until(t, `document.querySelector('#tile-health').textContent.includes('`+problem+`')`)
	}
	if owner := value[string](t, st.tab, firstOwner); owner != "overtaken-client" {
		t.Errorf("the worst session is said to be that of %q", owner)
	}

	st.prefer(t, "dark")
	st.until(t, `getComputedStyle(document.body).backgroundColor === 'rgb(14, 19, 25)'`)
	st.picture(t, "overview-dark")
	value[bool](
		t,
		st.tab,
		`for (let i = 0; i < 2; i++) document.getElementById('theme').click(); document.documentElement.dataset.theme === 'dark'`,
	)
	st.prefer(t, "light")
	if !value[bool](t, st.tab, `getComputedStyle(document.body).backgroundColor === 'rgb(14, 19, 25)'`) {
		t.Error("the theme that was chosen gives way to the system's")
	}
	st.wantNoErrors(t)
}

func TestTheInspectorIsUsedByKeyboard(t *testing.T) {
	st := newStage(t, desktop)
	st.open(t, st.url)
	st.settle(t)

	st.press(t, "/")
	// A synthetic key types its character although the page has prevented that.
	if !value[bool](t, st.tab, `document.activeElement.id === 'q' && (document.activeElement.value = '', true)`) {
		t.Error("/ does not lead to the filter")
	}
	st.press(t, "user-01")
	st.until(t, `document.getElementById('matched').textContent === '1–25 of 100 that match, of 1,203'`)
	focused := `document.activeElement.textContent`
	for value[string](t, st.tab, focused) != "Principal" {
		st.press(t, kb.Tab)
	}
	st.press(t, kb.Enter)
	st.until(t, firstOwner+` === 'user-0100'`)
	st.press(t, kb.Enter)
	st.until(t, firstOwner+` === 'user-0199'`)
	if sort := value[string](t, st.tab,
		`document.activeElement.closest('th').getAttribute('aria-sort')`); sort != "descending" {
		t.Errorf("aria-sort is %q", sort)
	}
	st.press(t, " ")
	st.until(t, firstOwner+` === 'user-0100'`)

	value[bool](t, st.tab, `document.getElementById('next').focus(), true`)
	st.press(t, kb.Enter)
	st.until(t, firstOwner+` === 'user-0125'`)
	st.reload(t) // the address says what is shown
	st.until(t, haveRows)
	st.until(t, firstOwner+` === 'user-0125'`)

	value[bool](t, st.tab, `document.querySelector('#chart-events > svg').focus(), true`)
	st.until(t, `document.querySelector('#chart-events path.line')?.getAttribute('d').includes('L')`)
	st.press(t, kb.ArrowLeft)
	if said := value[string](t, st.tab, `document.activeElement.getAttribute('aria-label')`); !strings.Contains(
		said,
		":",
	) ||
		!strings.Contains(said, "appended") {
		t.Errorf("the chart says %q", said)
	}
	st.wantNoErrors(t)
}

func TestTheInspectorFitsASmallScreen(t *testing.T) {
	st := newStage(t, [2]int64{390, 844})
	st.prefer(t, "light")
	st.open(t, st.url)
	st.settle(t)
	st.wantNoOverflow(t)
	st.picture(t, "overview-narrow")
	st.openSession(t, "lagging-client")
	st.wantNoOverflow(t)
	st.picture(t, "session-narrow")
	st.wantNoErrors(t)
}

func (st *stage) wantNoOverflow(t *testing.T) {
	t.Helper()
	if wide := value[int](t, st.tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		t.Errorf("the page is %d pixels too wide", wide)
	}
}

// openSession goes to the page of the session of a principal, as a reader would.
func (st *stage) openSession(t *testing.T, principal string) {
	t.Helper()
	st.open(t, st.url+"?q="+principal)
	st.until(t, firstOwner+` === '`+principal+`'`)
	value[bool](t, st.tab, `document.querySelector('#sessions tbody a').focus(), true`)
	st.press(t, kb.Enter)
	st.until(
		t,
		`location.pathname.endsWith('/session') && document.querySelectorAll('#recent tbody tr').length > 1 && `+isLive,
	)
	st.until(t, `document.querySelector('#chart-lag path.line')?.getAttribute('d').includes('L')`)
}

func TestASessionsPageShowsItsTroubleAndNeitherItsIDNorPayloads(t *testing.T) {
	st := newStage(t, desktop)
	st.prefer(t, "light")
	st.openSession(t, "lagging-client")
	if os.Getenv("REPRISE_SCREENSHOTS") != "" {
		st.until(t, `document.querySelector('#chart-lag path.line').getAttribute('d').split('L').length > 25`)
	}
	st.picture(t, "session-light")
	if text := value[string](t, st.tab, `document.getElementById('problems').textContent`); !strings.Contains(
		text,
		"Lagging",
	) {
		t.Errorf("its health is %q", text)
	}
	everything := value[string](t, st.tab, `location.href + document.documentElement.outerHTML`)
	for _, secret := range []string{st.slow.ID(), st.slow.ID()[:9], "secret"} {
		if strings.Contains(everything, secret) {
			t.Errorf("the page or its address has %q", secret)
		}
	}
	st.prefer(t, "dark")
	st.picture(t, "session-dark")

	last := value[string](t, st.tab, `document.querySelector('#recent tbody td').textContent`)
	st.until(t, `document.querySelector('#recent tbody td').textContent !== '`+last+`'`)
	st.wantNoErrors(t)
	st.slow.Terminate()
	st.until(t, `document.getElementById('status').textContent === 'terminated'`)
	st.until(t, `document.getElementById('state').dataset.state === 'over'`)
	if status := st.slow.Info().Status; status != shard.Terminated {
		t.Errorf("%v", status)
	}
}

func TestTheInspectorGoesOnWhereItWasWhenItsConnectionIsCut(t *testing.T) {
	st := newStage(t, desktop)
	st.open(t, st.url)
	st.settle(t)
	fuse, _ := st.proxy.CutAfter(1)
	testkit.Await(t, "the cut", fuse.Done)
	testkit.Eventually(t, "it comes back with Last-Event-ID", func() bool { return st.seen.resumes() > 0 })
	st.until(t, isLive)
	path := value[string](t, st.tab, `document.querySelector('#chart-events path.line').getAttribute('d')`)
	if strings.Count(path, "M") != 1 {
		t.Errorf("the chart has a hole: %s", path)
	}
	st.wantNoErrors(t)
}
