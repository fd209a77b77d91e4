package interop

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
)

// serveDemo runs the demo's server, which ends with the test, and returns where its page is.
func serveDemo(t *testing.T) (url string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "demo")
	build := exec.Command(program(t, "go", "golang"), "build", "-o", binary, ".")
	build.Dir = "../demo"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	demo := exec.Command(binary, "serve", "-addr", "127.0.0.1:0")
	testkit.EndWithUs(demo)
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		demo.Process.Signal(syscall.SIGTERM)
		io.Copy(io.Discard, out)
		if err := demo.Wait(); err != nil {
			t.Errorf("the demo: %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := regexp.MustCompile(`^Demo on (http://\S+)`).FindStringSubmatch(lines.Text()); found != nil {
			return found[1]
		}
	}
	t.Fatal("the demo does not say where its page is")
	return ""
}

func TestTheDemosStreamResumesAfterEachCut(t *testing.T) {
	url := serveDemo(t)
	b := newTab(t, "")
	b.watchForErrors(t)
	b.resize(t, 1000, 720)
	b.open(t, url)
	count := func(id string) int {
		return value[int](t, b, `Number(document.getElementById('`+id+`').textContent.replaceAll(',', ''))`)
	}
	for cut := 1; cut <= 2; cut++ {
		before := count("received")
		testkit.Eventually(t, "words come", func() bool { return count("received") > before+5 })
		b.until(t, `!document.getElementById('cut').disabled`)
		value[bool](t, b, `document.getElementById('cut').click(), true`)
		testkit.Eventually(t, "it has resumed", func() bool { return count("resumed") == cut })
		testkit.Eventually(t, "there are more words", func() bool { return count("received") > before+20 })
	}
	if cuts, missing, twice, replayed := count("cuts"), count("missing"), count("twice"),
		count("replayed"); cuts != 2 ||
		missing+twice != 0 ||
		replayed < 10 {
		t.Errorf("%d cuts, %d missing, %d twice, %d replayed", cuts, missing, twice, replayed)
	}
	if marks := value[int](t, b, `document.querySelectorAll('#text mark').length`); marks != count("replayed") {
		t.Errorf("%d words are marked", marks)
	}
	b.picture(t, "demo")
	b.wantNoErrors(t)

	b.open(t, url+"inspector/")
	b.until(t, `document.querySelector('#sessions tbody .c-transport')?.textContent === 'sse'`)
	b.wantNoErrors(t)
}
