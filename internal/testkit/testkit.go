// Package testkit has what the tests of several modules share. Below it are package proxy, which
// breaks connections, package sse, a client of event streams, and package npm, which runs Node.js.
package testkit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, and fails when they leave a goroutine behind:
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
func Main(m *testing.M) { goleak.VerifyTestMain(m) }

// Patience is how long a test waits for what must happen. It is reached by failing tests alone.
const Patience = 60 * time.Second

// Eventually polls until ok: for what happens in another process, or over a real connection.
// Where all goroutines are the test's own, testing/synctest is better.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	if !Poll(ctx, ok) {
		t.Fatalf("not in %v: %s", Patience, what)
	}
}

// Poll is Eventually for goroutines that must not end the test: it polls until ok, or until ctx
// ends, and reports which.
func Poll(ctx context.Context, ok func() bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Await waits for a channel to be closed, or for a value from it.
func Await[V any](t testing.TB, what string, done <-chan V) (v V) {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case v = <-done:
	case <-timer.C:
		t.Fatalf("not in %v: %s", Patience, what)
	}
	return v
}

// Listen returns a listener on 127.0.0.1 that is closed with the test.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// Narrow returns a listener whose connections have a send buffer of 16 KiB, so that a client which
// reads slowly, with a receive buffer that is as small, is noticed after a few writes.
func Narrow(l net.Listener) net.Listener { return narrow{l} }

type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(NarrowBuffer)
	}
	return conn, err
}

// NarrowBuffer is the size of the buffers of [Narrow], in bytes.
const NarrowBuffer = 16 << 10

// FreeAddr returns an address of 127.0.0.1 where nobody listens now, for a program that must be
// told its port, and each one once. It lies below the ports that outgoing connections get: one of
// these could take it, or be connected to itself by whoever waits for the program. Another program
// may take it first: one that can listen on port 0 should.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if _, given := givenAddrs.LoadOrStore(addr, true); given {
			continue
		}
		if listener, err := net.Listen("tcp", addr); err == nil {
			listener.Close()
			return addr
		}
	}
	t.Fatal("no port of 127.0.0.1 is free")
	return ""
}

var givenAddrs sync.Map // what FreeAddr has returned
