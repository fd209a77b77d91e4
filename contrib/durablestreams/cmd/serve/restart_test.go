package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What was confirmed before the program is killed is there when it has been started again.
func TestStreamsOutliveTheProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "serve")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	run := func() (url string, kill func()) {
		cmd := exec.Command(program, "-addr", "127.0.0.1:0", "-dir", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill = func() {
			cmd.Process.Kill()
			cmd.Wait()
		}
		t.Cleanup(kill)
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line[strings.Index(line, "http://"):]), kill
	}
	want := []string{}
	for round := range 3 {
		url, kill := run()
		if round == 0 {
			send(t, http.MethodPut, url+"s", "")
		}
		for i := range 50 {
			message := fmt.Sprintf(`{"round":%d,"n":%d}`, round, i)
			send(t, http.MethodPost, url+"s", message)
			want = append(want, message)
		}
		res, err := http.Get(url + "s")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(got) != "["+strings.Join(want, ",")+"]" {
			t.Fatalf("round %d: %v, %s", round, err, got)
		}
		kill()
	}
}
