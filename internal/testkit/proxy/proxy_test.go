package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// echo starts a server that answers each line with itself and its own name.
func echo(t *testing.T, name string) (addr string) {
	listener := testkit.Listen(t)
	served := make(chan struct{})
	t.Cleanup(func() {
		listener.Close()
		<-served
	})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					io.WriteString(conn, name+" "+lines.Text()+"\n")
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, p *proxy.Proxy) (net.Conn, *bufio.Reader) {
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

func say(t *testing.T, conn net.Conn, r *bufio.Reader, line, want string) {
	t.Helper()
	io.WriteString(conn, line+"\n")
	if got, err := r.ReadString('\n'); err != nil || got != want+"\n" {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestConnectionsGoToTheTargetsInTurnAndElsewhereWhenTold(t *testing.T) {
	p := proxy.New(t, echo(t, "a"), echo(t, "b"))
	for _, want := range []string{"a", "b", "a"} {
		conn, r := dial(t, p)
		say(t, conn, r, "x", want+" x")
	}
	p.To(echo(t, "c"))
	conn, r := dial(t, p)
	say(t, conn, r, "x", "c x")
}

func TestACutComesAfterTheBytesThatWereToldAndAtOnceWhenItIsBurned(t *testing.T) {
	p := proxy.New(t, echo(t, "a"))
	conn, r := dial(t, p)
	say(t, conn, r, "x", "a x")
	if p.Passed() != 4 {
		t.Errorf("%d bytes passed, want 4", p.Passed())
	}
	fuse, ok := p.CutAfter(5)
	if _, again := p.CutAfter(1); !ok || again {
		t.Error("a second cut is taken while one is pending")
	}
	say(t, conn, r, "y", "a y")
	io.WriteString(conn, "z\n")
	rest, err := io.ReadAll(r)
	if len(rest) > 1 || err == nil {
		t.Errorf("after the cut: %q, %v", rest, err)
	}
	testkit.Await(t, "the cut", fuse.Done)
	fuse.Burn() // has no effect any more
	if p.Cuts() != 1 || p.Passed() != 0 {
		t.Errorf("%d cuts, %d bytes since", p.Cuts(), p.Passed())
	}

	conn, r = dial(t, p)
	say(t, conn, r, "x", "a x")
	fuse, _ = p.CutAfter(1 << 30)
	fuse.Burn()
	testkit.Await(t, "the cut", fuse.Done)
	if _, err := r.ReadByte(); err == nil {
		t.Error("a connection outlives the cut")
	}
}

func TestEveryCutOfARowComesAfterItsBytes(t *testing.T) {
	p := proxy.New(t, echo(t, "a"))
	if !p.CutEach(3, 5, 4) || p.CutEach(1) {
		t.Error("a row of cuts is refused, or a second one taken while one is pending")
	}
	for n, want := range []string{"a x", "a x\na", "a x\n"} {
		conn, r := dial(t, p)
		io.WriteString(conn, "x\nx\n")
		if got, err := io.ReadAll(r); len(got) > len(want) || err == nil { // what is on its way may be lost
			t.Errorf("cut %d: %q, %v", n, got, err)
		}
	}
	conn, r := dial(t, p)
	say(t, conn, r, "x", "a x")
	if p.Cuts() != 3 {
		t.Errorf("%d cuts", p.Cuts())
	}
}

func TestHangUpIsAnOrderlyEndForTheClient(t *testing.T) {
	p := proxy.New(t, echo(t, "a"))
	conn, r := dial(t, p)
	say(t, conn, r, "x", "a x")
	p.HangUp()
	if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestServersThatAreMuteDownOrLoseChunks(t *testing.T) {
	p := proxy.New(t, echo(t, "a"))
	conn, r := dial(t, p)
	lost := make(chan struct{})
	p.Drop(func(chunk []byte) bool {
		if bytes.Contains(chunk, []byte("lost")) {
			close(lost)
			return true
		}
		return false
	})
	say(t, conn, r, "kept", "a kept")
	io.WriteString(conn, "lost\n")
	testkit.Await(t, "the chunk that is lost", lost)

	p.Set(true, false)
	io.WriteString(conn, "unheard\n")
	p.Set(false, false)
	if rest, _ := io.ReadAll(r); len(rest) != 0 {
		t.Errorf("a mute server said %q", rest)
	}

	p.Set(false, true)
	_, r = dial(t, p)
	if rest, _ := io.ReadAll(r); len(rest) != 0 {
		t.Errorf("a server that is down said %q", rest)
	}
	p.Set(false, false)
	conn, r = dial(t, p)
	say(t, conn, r, "x", "a x")
}
