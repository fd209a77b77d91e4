package interop

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
)

// pipes is a listener whose connections are in this process. They take no file descriptors, of
// which ten thousand clients would want twice as many, and no buffer of the kernel's: a client that
// does not read stalls the server at once.
type pipes struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.dialed:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// dial connects, sends a request and reads the head of the answer, whose status it returns. It
// reads no further.
func (p *pipes) dial(t testing.TB, request string) (conn net.Conn, code int) {
	t.Helper()
	conn, server := net.Pipe()
	select {
	case p.dialed <- server:
	case <-p.closed:
		t.Fatal("the server is closed")
	}
	conn.SetDeadline(time.Now().Add(testkit.Patience))
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n') // takes the first write, which is head and first comment
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Time{})
	return conn, status(strings.TrimSpace(line))
}
