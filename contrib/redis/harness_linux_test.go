package redis_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"testing"
)

// asOwner tells the test binary to start a server and to wait.
const asOwner = "REPRISE_REDIS_OWNER"

func TestOwner(t *testing.T) {
	if os.Getenv(asOwner) == "" {
		return // this is the process that runs the tests
	}
	s := newServer(t)
	s.pause()
	fmt.Println("serving", s.addr)
	io.Copy(io.Discard, os.Stdin)
}

func TestServersEndWithTestsThatAreKilled(t *testing.T) {
	p := startTest(t, "^TestOwner$", asOwner+"=1", "TMPDIR="+t.TempDir())
	conn, err := net.Dial("tcp", p.addr)
	wantNoErr(t, "Dial", err)
	conn.Close()
	p.kill()
	eventually(t, "the server is gone", func() bool {
		conn, err := net.Dial("tcp", p.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}
