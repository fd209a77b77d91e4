// Package proxy stands between a client and its servers and breaks their connections on purpose:
// at once, or in the middle of an event, of a chunk, of a line.
package proxy

import (
	"io"
	"net"
	"sync"
)

// A Proxy passes TCP connections on to servers until it breaks them. All methods are safe for
// concurrent use.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	targets []string
	next    int                           // connections taken, ever
	pairs   map[*net.TCPConn]*net.TCPConn // client's → server's, until they end or are cut
	closed  bool
	armed   chan struct{}     // closed by the next cut; nil: CutAfter was not called since the last
	budget  int               // bytes that still pass towards clients while armed
	later   []int             // budgets of the cuts that follow on the one that is armed
	passed  int64             // bytes towards clients since the last cut
	cuts    int               // that have broken a connection
	mute    bool              // what servers say is dropped
	down    bool              // connections are refused
	drop    func([]byte) bool // nil: nothing is dropped
}

// Start listens on 127.0.0.1 in front of targets, each a host and port. Each connection goes to
// the next of them.
func Start(targets ...string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, targets: targets, pairs: map[*net.TCPConn]*net.TCPConn{}}
	p.running.Go(p.accept)
	return p, nil
}

// T is what New needs of a testing.TB.
type T interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// New starts a Proxy that ends with the test.
func New(t T, targets ...string) *Proxy {
	t.Helper()
	p, err := Start(targets...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Close resets every connection and returns when nothing of the Proxy runs any more.
func (p *Proxy) Close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.cut(true)
	p.mu.Unlock()
	p.running.Wait()
}

// Addr returns the host and port where clients find the Proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL returns the same as a URL without a path.
func (p *Proxy) URL() string { return "http://" + p.Addr() }

// To sends later connections to other targets.
func (p *Proxy) To(targets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
}

// Cut resets every connection on both sides, as when a network goes. What was on its way is lost.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut(true)
}

// HangUp ends every connection: with FIN for the client, as when a proxy is restarted, and with a
// reset for the server.
func (p *Proxy) HangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut(false)
}

// A Fuse is a cut that is to come.
type Fuse struct {
	p    *Proxy
	Done <-chan struct{} // closed by the cut, whatever made it
}

// Burn makes the cut now, unless it has been made or there is nothing to cut: then it is still to
// come.
func (f Fuse) Burn() { f.p.burn(f.Done) }

// CutAfter makes the Proxy cut when so many more bytes have passed towards clients. It is false,
// and changes nothing, when a cut is pending already.
func (p *Proxy) CutAfter(bytes int) (Fuse, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed != nil {
		return Fuse{}, false
	}
	p.armed, p.budget = make(chan struct{}), bytes
	return Fuse{p, p.armed}, true
}

// CutEach makes the Proxy cut as many times as there are numbers, each time when so many bytes have
// passed towards clients since it was called, or since the cut before. It is false, and changes
// nothing, when a cut is pending already.
func (p *Proxy) CutEach(bytes ...int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed != nil {
		return false
	}
	p.later = bytes
	p.arm()
	return true
}

// arm prepares the next of the later cuts. p.mu is held.
func (p *Proxy) arm() {
	if len(p.later) > 0 {
		p.armed, p.budget, p.later = make(chan struct{}), p.later[0], p.later[1:]
	}
}

func (p *Proxy) burn(armed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed != nil && p.armed == armed && len(p.pairs) > 0 {
		p.cut(true)
	}
}

// cut breaks all connections. p.mu is held.
func (p *Proxy) cut(reset bool) {
	if p.armed != nil {
		close(p.armed)
		p.armed = nil
		p.arm()
	}
	if len(p.pairs) > 0 {
		p.cuts++
	}
	p.passed = 0
	for client, server := range p.pairs {
		server.SetLinger(0) // RST instead of FIN
		server.Close()
		if reset {
			client.SetLinger(0)
		}
		client.Close()
	}
	clear(p.pairs)
}

// Set changes whether servers are muted, so that what they say is dropped, and whether they are
// down, so that connections are refused. It cuts when servers go down and when either ends.
func (p *Proxy) Set(mute, down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	restored := p.mute && !mute || p.down && !down
	p.mute, p.down = mute, down
	if down || restored { // in one step, so that what is cut was there before
		p.cut(true)
	}
}

// Drop makes the Proxy lose, without a sign of it, each chunk towards clients that matches.
func (p *Proxy) Drop(matches func(chunk []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop = matches
}

// Cuts returns how often connections were broken.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// Passed returns how many bytes have gone to clients since the last cut.
func (p *Proxy) Passed() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target, down := p.targets[p.next%len(p.targets)], p.down
		p.next++
		p.mu.Unlock()
		if down {
			client.Close()
			continue
		}
		server, err := net.Dial("tcp", target)
		if err != nil {
			client.Close()
			continue
		}
		p.join(client.(*net.TCPConn), server.(*net.TCPConn))
	}
}

func (p *Proxy) join(client, server *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.down {
		client.Close()
		server.Close()
		return
	}
	p.pairs[client] = server
	p.running.Go(func() {
		var both sync.WaitGroup
		both.Go(func() { pass(server, client, func(b []byte) (int, <-chan struct{}) { return len(b), nil }, p.burn) })
		spend := func(b []byte) (int, <-chan struct{}) { return p.spend(client, b) }
		both.Go(func() { pass(client, server, spend, p.burn) })
		both.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		client.Close()
		server.Close()
		delete(p.pairs, client)
	})
}

// pass copies from one connection to the other as far as allow lets it, and burns what allow
// returns. An end is passed on; an error ends both directions.
func pass(to, from *net.TCPConn, allow func([]byte) (int, <-chan struct{}), burn func(<-chan struct{})) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		allowed, armed := allow(buf[:n])
		if _, failed := to.Write(buf[:allowed]); failed != nil && (err == nil || err == io.EOF) {
			err = failed
		}
		if armed != nil {
			burn(armed)
		}
		switch err {
		case nil:
		case io.EOF:
			to.CloseWrite()
			return
		default:
			from.Close()
			to.Close()
			return
		}
	}
}

// spend tells how many bytes of b pass towards the client, and which cut is due after them.
func (p *Proxy) spend(client *net.TCPConn, b []byte) (allowed int, due <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pairs[client] == nil || p.mute || p.drop != nil && p.drop(b) {
		return 0, nil
	}
	allowed = len(b)
	if p.armed != nil {
		if p.budget -= allowed; p.budget <= 0 {
			allowed, due = max(0, allowed+p.budget), p.armed
		}
	}
	p.passed += int64(allowed)
	return allowed, due
}
