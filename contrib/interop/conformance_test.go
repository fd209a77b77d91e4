package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit/npm"
	"github.com/reprise-go/reprise/shard"
)

// check is what the suite reports of one requirement.
type check struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	ErrorMessage string `json:"errorMessage"`
}

// The suite also ends well when it was served without what it looks for: each scenario names what
// it must have seen.
func TestTheConformanceSuitePassesWithoutAWarning(t *testing.T) {
	for scenario, wanted := range map[string][]string{
		"server-initialize": {"server-initialize", "server-session-id-visible-ascii"},
		"server-session-lifecycle": {"server-session-initialized-accepted", "server-session-delete-accepted",
			"server-session-terminated-returns-404"},
		"server-sse-multiple-streams": {"server-accepts-multiple-post-streams", "server-sse-streams-functional"},
		"server-sse-polling": {"server-sse-priming-event", "server-sse-retry-field",
			"server-sse-disconnect-resume"},
	} {
		t.Run(scenario, func(t *testing.T) {
			b := newMCPServer(t, shard.Config{})
			wantConformance(t, conformance(t, b.url, "2025-11-25", scenario), wanted...)
		})
	}
}

// wantConformance fails unless all checks have passed, and those that are wanted are among them.
func wantConformance(t *testing.T, checks []check, wanted ...string) {
	t.Helper()
	var passed []string
	for _, c := range checks {
		switch c.Status {
		case "SUCCESS":
			passed = append(passed, c.ID)
		case "INFO":
		default:
			t.Errorf("%s %s: %s", c.Status, c.ID, c.ErrorMessage)
		}
	}
	for _, id := range wanted {
		if !slices.Contains(passed, id) {
			t.Errorf("%s is not among what passed: %q", id, passed)
		}
	}
}

// conformance runs a scenario of a version of MCP against url. Those of extensions are forced, for
// the suite leaves them out otherwise.
func conformance(t *testing.T, url, version, scenario string) (checks []check) {
	t.Helper()
	dir := t.TempDir()
	suite := npm.Node(t, "node_modules/@modelcontextprotocol/conformance/dist/index.js",
		"server", "--url", url, "--spec-version", version, "--force", "--scenario", scenario, "--output-dir", dir)
	said, err := suite.CombinedOutput()
	if err != nil {
		t.Errorf("the suite ended with %v", err)
	}
	results, _ := filepath.Glob(filepath.Join(dir, "*", "checks.json"))
	if len(results) != 1 {
		t.Fatalf("%d results; the suite said:\n%s", len(results), said)
	}
	text, err := os.ReadFile(results[0])
	if err == nil {
		err = json.Unmarshal(text, &checks)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the suite said:\n%s", said)
		}
	})
	return checks
}
