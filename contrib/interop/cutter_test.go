package interop

import (
	"net"
	"sync"
	"testing"
)

// A cutter passes TCP connections on to a server and, when armed, resets all of them after a number of bytes: in the
// middle of an event, of a chunk, of a line.
type cutter struct {
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	target string
	conns  map[*net.TCPConn]bool
	budget int           // while armed: bytes that still pass towards clients
	done   chan struct{} // closed by the next cut; nil: not armed
	closed bool
}

// newCutter starts a cutter in front of target, an address, that ends with the test.
func newCutter(t testing.TB, target string) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: listener, target: target, conns: map[*net.TCPConn]bool{}}
	c.running.Go(c.accept)
	t.Cleanup(func() {
		listener.Close()
		c.mu.Lock()
		c.closed = true
		c.reset()
		c.mu.Unlock()
		c.running.Wait()
	})
	return c
}

func (c *cutter) addr() string { return c.listener.Addr().String() }

// point sends the connections to come elsewhere.
func (c *cutter) point(target string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target = target
}

// after arms the cutter. The channel is closed once it has cut.
func (c *cutter) after(bytes int) (cut <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.budget, c.done = bytes, make(chan struct{})
	return c.done
}

func (c *cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		target := c.target
		c.mu.Unlock()
		server, err := net.Dial("tcp", target)
		if err != nil {
			client.Close()
			continue
		}
		c.join(client.(*net.TCPConn), server.(*net.TCPConn))
	}
}

func (c *cutter) join(client, server *net.TCPConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		client.Close()
		server.Close()
		return
	}
	c.conns[client], c.conns[server] = true, true
	c.running.Go(func() { c.pass(client, server, func(n int) (int, bool) { return n, false }) })
	c.running.Go(func() { c.pass(server, client, c.spend) })
}

// pass copies from one connection to the other as far as allow lets it, until either is closed.
func (c *cutter) pass(from, to *net.TCPConn, allow func(n int) (pass int, cut bool)) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		pass, cut := allow(n)
		if _, werr := to.Write(buf[:pass]); err == nil {
			err = werr
		}
		if cut {
			c.cut()
		}
		if err != nil {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range []*net.TCPConn{from, to} {
		conn.Close()
		delete(c.conns, conn)
	}
}

// spend takes n bytes from the budget. It tells how many of them pass, and whether to cut then.
func (c *cutter) spend(n int) (pass int, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil || n < c.budget {
		c.budget -= n
		return n, false
	}
	return max(c.budget, 0), true
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil { // two connections spent the last byte
		return
	}
	c.reset()
	close(c.done)
	c.done = nil
}

// reset closes all connections with RST instead of FIN. The mutex is held.
func (c *cutter) reset() {
	for conn := range c.conns {
		conn.SetLinger(0)
		conn.Close()
	}
}
