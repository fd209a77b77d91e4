package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The test's own program is what its children run.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == jobFlag {
		exit(work(os.Args[2], os.Stdout))
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else each child sleeps for a second under the race detector
	os.Exit(m.Run())
}

// tiny is enough to go through everything, also under the race detector.
func tiny() sizes {
	z := full()
	z.Weighed, z.Rings, z.Fleets = []int{500}, []int{3}, []int{300, 600}
	z.Window, z.Expiring, z.TTL, z.Touched = time.Millisecond, 3000, 3*time.Second, 300
	z.Pairs, z.Ops, z.Budget = 4000, 3000, 16<<20
	z.Idle, z.Stopped, z.Retained, z.Rounds, z.Timed = 100*time.Millisecond, time.Second, 20_000, 2, 2000
	return z
}

// Figures depend on the machine, and on the race detector; what must hold exactly does not.
func TestEveryScenarioFillsItsRowsAndWhatIsExactHolds(t *testing.T) {
	z, seen := tiny(), make(map[string]bool)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			results, err := runAll(t.Context(), plan([]scenario{s}, z), new(bytes.Buffer))
			if err != nil {
				t.Fatal(err)
			}
			rows := s.rows(z, results[s.name])
			if len(rows) == 0 {
				t.Error("no rows")
			}
			for _, r := range rows {
				if strings.Contains(r.measured, "not measured") {
					t.Errorf("%s: %s", r.what, r.measured)
				}
				if exact := r.demanded != "" && !strings.Contains(r.demanded, "at most"); exact && r.holds != "met" {
					t.Errorf("%s: %s, demanded %s", r.what, r.measured, r.demanded)
				}
			}
		})
		if seen[s.name] {
			t.Errorf("two scenarios are called %s", s.name)
		}
		seen[s.name] = true
	}
}

func TestTheTableIsWrittenAndSaysWhatIsMissed(t *testing.T) {
	got := table([]row{
		atMost("a", 512, 512, " B"), atMost("b", 512.4, 512, " B"), exactly("c", 1, 0),
		aim("d", 60, 75, 50, " B"), aim("e", 50, 75, 50, " B"), figure("f", "12 ns"),
	})
	want := `| what | measured | demanded               | holds            |
|------|----------|------------------------|------------------|
| a    | 512 B    | at most 512 B          | met              |
| b    | 512 B    | at most 512 B          | MISSED           |
| c    | 1        | 0                      | MISSED           |
| d    | 60 B     | at most 75 B, aim 50 B | met              |
| e    | 50 B     | at most 75 B, aim 50 B | met, and the aim |
| f    | 12 ns    |                        |                  |
`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestNumbersAreEasyToRead(t *testing.T) {
	for got, want := range map[string]string{
		number(0): "0", number(0.12345): "0.123", number(3): "3", number(99.96): "100", number(123.4): "123",
		number(1234567): "1,234,567",
		number(1000):    "1,000", nanoseconds(999): "999 ns", nanoseconds(20e3): "20 µs", nanoseconds(2.5e6): "2.5 ms",
		nanoseconds(3e9): "3 s",
		short(1000):      "1k", short(10_000_000): "10M", short(1500): "1500", shorts([]int{10, 1000}): "10 / 1k",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestVariantsTakeTurnsAndAnotherOneBegins(t *testing.T) {
	chosen, err := choose("collector")
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, j := range plan(chosen, tiny()) {
		order = append(order, j.Variant)
	}
	if got := strings.Join(order, ", "); got != "Reprise, by hand, by hand, Reprise" {
		t.Error(got)
	}
}

func TestAnUnknownScenarioAndAJobThatFailsAreErrors(t *testing.T) {
	var none bytes.Buffer
	if err := report(t.Context(), []string{"-only", "memory,everything"}, &none, &none); err == nil ||
		!strings.Contains(err.Error(), "everything") {
		t.Errorf("error %v", err)
	}
	_, err := job{Scenario: "memory", Variant: "sessions many", Sizes: tiny()}.run()
	if err == nil || !strings.Contains(err.Error(), "many") {
		t.Errorf("error %v", err)
	}
}

func TestTheReportGoesIntoAFileToo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scale.md")
	var out, progress bytes.Buffer
	if err := report(t.Context(), []string{"-quick", "-only", "limits", "-note", "a remark", "-o", file}, &out,
		&progress); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(file)
	if err != nil || string(page) != out.String() {
		t.Errorf("the file differs from what is printed: %v", err)
	}
	for _, want := range []string{"a remark", "a quick run", "16,384"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
