package redis_test

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// A cable passes TCP connections on to servers in turn, and can be cut.
type cable struct {
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	targets []string
	next    int
	conns   map[net.Conn]bool
	armed   bool // cut when budget is used up
	budget  int  // bytes that still pass towards the client
	mute    bool // what servers say is dropped from now on
	down    bool // connections are refused
	deaf    bool // notifications are dropped, with whatever came in the same packet: for clients that have a connection for nothing else
	cuts    int
}

func newCable(t testing.TB, targets ...string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: l, targets: targets, conns: map[net.Conn]bool{}}
	c.running.Go(c.accept)
	t.Cleanup(func() {
		l.Close()
		c.cut()
		c.running.Wait()
	})
	return c
}

func (c *cable) addr() string { return c.listener.Addr().String() }

func (c *cable) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		target, down := c.targets[c.next%len(c.targets)], c.down
		c.next++
		c.mu.Unlock()
		server, err := net.Dial("tcp", target)
		if down || err != nil {
			client.Close()
			if err == nil {
				server.Close()
			}
			continue
		}
		c.mu.Lock()
		c.conns[client], c.conns[server] = true, true
		c.mu.Unlock()
		c.running.Go(func() { c.pass(server, client, func(b []byte) (int, bool) { return len(b), false }) })
		c.running.Go(func() { c.pass(client, server, c.spend) })
	}
}

// pass copies from one connection to the other as far as allow lets it.
func (c *cable) pass(to, from net.Conn, allow func([]byte) (pass int, cut bool)) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		pass, cut := allow(buf[:n])
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
	for _, conn := range []net.Conn{from, to} {
		conn.Close()
		delete(c.conns, conn)
	}
}

// spend takes bytes towards the client from the budget, and tells how many of them pass and whether to cut then.
func (c *cable) spend(b []byte) (pass int, cut bool) {
	n := len(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.mute, c.deaf && bytes.Contains(b, []byte("smessage")):
		return 0, false
	case !c.armed || n < c.budget:
		c.budget -= n
		return n, false
	}
	return max(0, c.budget), true
}

// arm makes the cable break after that many more bytes towards the clients. It reports false when it is armed already.
func (c *cable) arm(bytes int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed {
		return false
	}
	c.armed, c.budget = true, bytes
	return true
}

// cut breaks all connections, with RST on both sides. What was on its way is lost.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cutAll()
}

// cutAll is cut with the mutex held.
func (c *cable) cutAll() {
	c.armed = false
	if len(c.conns) > 0 {
		c.cuts++
	}
	for conn := range c.conns {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

// set changes whether servers are heard and whether connections are accepted. It cuts when it restores either.
func (c *cable) set(mute, down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	restored := c.mute && !mute || c.down && !down
	c.mute, c.down = mute, down
	if down || restored { // in one step, so that what is cut was there before
		c.cutAll()
	}
}

// dropNotifications makes Redis's pub/sub lose everything, without a sign of it.
func (c *cable) dropNotifications() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf = true
}

func (c *cable) made() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts
}
