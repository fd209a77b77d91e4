package interop

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/reprise-go/reprise/internal/testkit"
)

// A tab is a page in a headless Chromium of its own.
type tab struct{ ctx context.Context }

// newTab starts a browser that ends with the test. resolve, if any, tells it where host names are,
// as --host-resolver-rules does.
func newTab(t *testing.T, resolve string) *tab {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program(t, "chromium", "chromium")),
		chromedp.Headless,
		chromedp.NoSandbox, // it refuses to run as root otherwise
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.WSURLReadTimeout(testkit.Patience),
	}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update",
		"disable-sync", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	if resolve != "" {
		options = append(options, chromedp.Flag("host-resolver-rules", resolve))
	}
	ctx, kill := chromedp.NewExecAllocator(context.Background(), options...)
	silent := func(string, ...any) {} // it speaks of protocol events that are newer than it is
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithLogf(silent), chromedp.WithErrorf(silent))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, testkit.Patience)
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("closing Chromium: %v", err)
		}
		kill()
	})
	if err := chromedp.Do(ctx); err != nil { // without a deadline: the browser lives as long as its first context
		t.Fatalf("starting Chromium: %v", err)
	}
	return &tab{ctx}
}

// do runs an action in a tab, within the time that tests have.
func do[T any](t *testing.T, b *tab, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (b *tab) open(t *testing.T, url string) {
	t.Helper()
	do(t, b, chromedp.Navigate(url))
}

func (b *tab) reload(t *testing.T) {
	t.Helper()
	do(t, b, chromedp.Reload())
}

// value is what a JavaScript expression is in the page.
func value[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	return do(t, b, chromedp.Evaluate[T](expression))
}

// until polls a JavaScript condition. While a page is loading there is nowhere to ask, which is no
// failure.
func (b *tab) until(t *testing.T, condition string) {
	t.Helper()
	var err error
	defer func() {
		if t.Failed() && err != nil {
			t.Log(err)
		}
	}()
	testkit.Eventually(t, condition, func() (ok bool) {
		ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
		defer cancel()
		ok, err = chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		return err == nil && ok
	})
}
