package examples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// around is what the README's programs stand in: imports, and the variables that they leave to the reader.
const around = `package readme

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/server"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	client "github.com/prometheus/client_golang/prometheus"
	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/contrib/mcpgo"
	"github.com/reprise-go/reprise/contrib/prometheus"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/inspector"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

var (
	_ = []any{context.Background, fmt.Sprint, time.Now, rueidis.NewClient, gosdk.New, mcpgo.New, prometheus.New, redis.New, replay.Local, inspector.Handler{}, ring.New, shard.New}

	addr      string
	impl      *mcp.Implementation
	mcpServer *server.MCPServer
	registry  *client.Registry
	sessions  *shard.Manager
	session   *shard.Session
	store     replay.Store
	events    *replay.Handler
	mux       *http.ServeMux
	ctx       context.Context
	w         http.ResponseWriter
	r         *http.Request
)
`

// The programs of the README compile as they stand there.
func TestProgramsOfTheReadmeCompile(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := strings.Split(string(readme), "```go\n")[1:]
	if len(programs) < 4 {
		t.Fatalf("the README has %d programs", len(programs))
	}
	src := around
	for i, p := range programs {
		code, _, _ := strings.Cut(p, "```")
		src += fmt.Sprintf("\nfunc program%d() {\n%s}\n", i, code)
	}
	// The package exists for the go command alone: an overlay puts a file where there is none.
	file := filepath.Join(t.TempDir(), "readme.go")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "readme", "readme.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	list := file + ".json"
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-overlay", list, "./readme").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, src)
	}
}
