package gosdk

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes TCP connections on to a server until it cuts them.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[*net.TCPConn]bool
}

// newProxy starts a proxy in front of target that ends with the test.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, conns: map[*net.TCPConn]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		p.cut()
		p.running.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.running.Go(func() { p.pass(client.(*net.TCPConn), server.(*net.TCPConn)) })
	}
}

func (p *proxy) pass(a, b *net.TCPConn) {
	p.mu.Lock()
	p.conns[a], p.conns[b] = true, true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { io.Copy(a, b); a.CloseWrite() })
	both.Go(func() { io.Copy(b, a); b.CloseWrite() })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []*net.TCPConn{a, b} {
		c.Close()
		delete(p.conns, c)
	}
}

// cut resets every connection, on both sides.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.SetLinger(0)
		c.Close()
	}
}
