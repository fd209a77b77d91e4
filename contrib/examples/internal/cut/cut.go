// Package cut breaks TCP connections on purpose, for the examples' tests.
package cut

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A Proxy passes TCP connections on until it cuts them.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	target string
	conns  map[*net.TCPConn]bool
}

// New starts a Proxy in front of target, a host and port, that ends with the test.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target, conns: map[*net.TCPConn]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		p.Cut()
		p.running.Wait()
	})
	return p
}

// URL returns where clients find the Proxy, without a path.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// To sends later connections to another target.
func (p *Proxy) To(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Cut resets every connection, on both sides, as when a network goes.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.SetLinger(0)
		c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target := p.target
		p.mu.Unlock()
		server, err := net.Dial("tcp", target)
		if err != nil {
			client.Close()
			continue
		}
		p.running.Go(func() { p.pass(client.(*net.TCPConn), server.(*net.TCPConn)) })
	}
}

// pass copies in both directions until both have ended.
func (p *Proxy) pass(a, b *net.TCPConn) {
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
