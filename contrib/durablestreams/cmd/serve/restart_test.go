package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// What was confirmed before the program is killed is there when it has been started again.
func TestStreamsOutliveTheProgram(t *testing.T) {
	program, dir := build(t), t.TempDir()
	var want []string
	for round := range 3 {
		server := reprise(t, program, "-dir", dir)
		stream := server.url + "/s"
		if round == 0 {
			send(t, http.MethodPut, stream, "")
		}
		for i := range 50 {
			message := fmt.Sprintf(`{"round":%d,"n":%d}`, round, i)
			send(t, http.MethodPost, stream, message)
			want = append(want, message)
		}
		res, err := http.Get(stream)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(got) != "["+strings.Join(want, ",")+"]" {
			t.Fatalf("round %d: %v, %s", round, err, got)
		}
		server.kill()
	}
	http.DefaultClient.CloseIdleConnections()
}
