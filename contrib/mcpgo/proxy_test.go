package mcpgo

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
	pairs map[*net.TCPConn]*net.TCPConn // client's → server's
}

// newProxy starts a proxy in front of target that ends with the test.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, pairs: map[*net.TCPConn]*net.TCPConn{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		p.cut(reset)
		p.running.Wait()
	})
	return p
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

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

func (p *proxy) pass(client, server *net.TCPConn) {
	p.mu.Lock()
	p.pairs[client] = server
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { io.Copy(client, server); client.CloseWrite() })
	both.Go(func() { io.Copy(server, client); server.CloseWrite() })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	client.Close()
	server.Close()
	delete(p.pairs, client)
}

// How a connection ends for the client. The server's is reset either way.
const (
	reset = true  // RST, as when a network goes
	fin   = false // FIN, as when a proxy is restarted
)

// cut ends every connection.
func (p *proxy) cut(how bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, server := range p.pairs {
		server.SetLinger(0)
		server.Close()
		if how == reset {
			client.SetLinger(0)
		}
		client.Close()
	}
}
