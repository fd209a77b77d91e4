package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/sse"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// start starts the server and waits until it answers.
func start(t *testing.T, program, addr, dir string) *exec.Cmd {
	t.Helper()
	server := exec.Command(program, "-addr", addr, "-dir", dir, "-pace", "1ms")
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	testkit.Eventually(t, "the server answers", func() bool {
		resp, err := client.Get("http://" + addr + "/")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	return server
}

func TestThePageGoesOnWhenTheServerIsKilled(t *testing.T) {
	program := filepath.Join(t.TempDir(), "restart")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	addr, dir := testkit.FreeAddr(t), filepath.Join(t.TempDir(), "sessions")
	last, number := "", 0
	for kill := range 10 {
		server := start(t, program, addr, dir)
		stream := sse.Open(t, "http://"+addr+"/events?session=counter", last)
		if stream.Status != http.StatusOK {
			t.Fatalf("after kill %d: status %d", kill, stream.Status)
		}
		for range 30 {
			e, ok := stream.Next()
			if number++; !ok || e.Data != fmt.Sprint(number) {
				t.Fatalf("after kill %d: %+v, %v; want number %d", kill, e, ok, number)
			}
			last = e.ID
		}
		server.Process.Kill() // SIGKILL
		server.Wait()
	}
}
