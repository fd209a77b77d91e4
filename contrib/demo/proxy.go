package main

import (
	"net"
	"sync"
	"time"
)

// proxy passes TCP connections on to a server and resets all of them on demand, after a number of bytes: in the middle of an event, of a
// chunk, of a line.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]bool
	armed   bool
	budget  int  // while armed: bytes that still pass towards the client
	flowing bool // bytes have passed towards the client since the last cut
	cuts    int
	left    int           // cuts that are still to come
	done    chan struct{} // closed when none is
}

// newProxy listens in front of target, for a number of cuts.
func newProxy(target string, cuts int) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, conns: map[net.Conn]bool{}, left: cuts, done: make(chan struct{})}
	if cuts == 0 {
		close(p.done)
	}
	p.running.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.reset()
	p.mu.Unlock()
	p.running.Wait()
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
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		p.running.Go(func() { p.pass(server, client, p.spend) })
		p.running.Go(func() { p.pass(client, server, func(n int) (int, bool) { return n, false }) })
	}
}

// pass copies from one connection to the other as far as allow lets it.
func (p *proxy) pass(from, to net.Conn, allow func(n int) (pass int, cut bool)) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		pass, cut := allow(n)
		if _, werr := to.Write(buf[:pass]); err == nil {
			err = werr
		}
		if cut {
			p.cut()
		}
		if err != nil {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []net.Conn{from, to} {
		c.Close()
		delete(p.conns, c)
	}
}

// spend takes n bytes towards the client from the budget, and tells how many of them pass and whether to cut then.
func (p *proxy) spend(n int) (pass int, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flowing = p.flowing || n > 0
	if !p.armed || n < p.budget {
		p.budget -= n
		return n, false
	}
	return p.budget, true
}

// arm makes the proxy cut after that many more bytes towards the client, and no later than the given time. It
// reports false when a cut is pending already or nothing has come through since the last one.
func (p *proxy) arm(bytes int, within time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed || !p.flowing || p.left == 0 {
		return false
	}
	p.armed, p.budget = true, bytes
	time.AfterFunc(within, p.cut)
	return true
}

// cut resets every connection on both sides, if armed.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.armed {
		return
	}
	p.armed, p.flowing = false, false
	p.cuts++
	if p.left--; p.left == 0 {
		close(p.done)
	}
	p.reset()
}

// reset closes all connections with RST instead of FIN. The mutex is held.
func (p *proxy) reset() {
	for c := range p.conns {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// made is how many cuts there have been.
func (p *proxy) made() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}
