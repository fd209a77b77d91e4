package interop

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// watchForErrors makes every page to come note what goes wrong in it: what wantNoErrors wants to be
// nothing.
func (b *tab) watchForErrors(t *testing.T) {
	t.Helper()
	do(t, b, command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.faults = [];
		addEventListener('error', e => faults.push(String(e.message || e.target.src || e.target.href)), true);
		addEventListener('unhandledrejection', e => faults.push(String(e.reason)));
		document.addEventListener('securitypolicyviolation', e => faults.push(e.violatedDirective + ' ' + e.blockedURI));`}))
}

func (b *tab) wantNoErrors(t *testing.T) {
	t.Helper()
	if faults := value[[]string](t, b, `faults`); len(faults) > 0 {
		t.Errorf("in the page: %q", faults)
	}
}

func (b *tab) resize(t *testing.T, width, height int64) {
	t.Helper()
	do(t, b, chromedp.EmulateViewport(width, height))
}

// prefer sets the reader's colour scheme, "light" or "dark".
func (b *tab) prefer(t *testing.T, scheme string) {
	t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	do(t, b, command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}))
}

func (b *tab) press(t *testing.T, keys string) {
	t.Helper()
	do(t, b, chromedp.KeyEvent(keys))
}

// picture keeps a screenshot of the whole page in $REPRISE_SCREENSHOTS, for somebody to look at, or
// else nowhere.
func (b *tab) picture(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("REPRISE_SCREENSHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), do(t, b, chromedp.FullScreenshot(100)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// command is a command of the protocol as an action.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[R] {
	return func(ctx context.Context, target *chromedp.Target) (R, error) { return cdp.Call(ctx, target, c, params) }
}
