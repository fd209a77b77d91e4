package main

import (
	"context"
	"errors"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

// What a client may take its time for, and how much it may send without it being a body.
const (
	maxHeader   = 16 << 10         // bytes of a request's line and header, else 431
	patience    = 10 * time.Second // for a header, for a piece of a body, and for taking a short answer
	idle        = 2 * time.Minute  // between two requests of a connection
	maxBuffered = 64 << 10         // bytes of an answer that is written at once
)

// A server serves a Handler over HTTP/1.1. Requests that are answered at once are for fasthttp,
// which takes a quarter less processor time than net/http for one, and half when a client sends 16
// in one write. Live reads and long answers are for net/http, which tells when a client has gone
// and lets each piece of an answer have its own deadline: it gets the connection for good,
// beginning with the request. Which of the two serves a request shows in nothing else.
type server struct {
	short  *fasthttp.Server
	long   *http.Server
	handed *handedConns
	cancel context.CancelFunc // ends the contexts of short requests
}

func newServer(h http.Handler, patience time.Duration) *server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{
		long:   &http.Server{Handler: h, ReadHeaderTimeout: patience, IdleTimeout: idle, MaxHeaderBytes: maxHeader},
		handed: newHandedConns(),
		cancel: cancel,
	}
	f := &front{handler: h, hand: s.handed.add, requests: exchanges{ctx: ctx, patience: patience}}
	s.short = &fasthttp.Server{
		Handler:         f.serve,
		ReadBufferSize:  maxHeader,
		WriteBufferSize: maxHeader,
		ReadTimeout:     patience, WriteTimeout: patience, IdleTimeout: idle,
		// The Handler refuses what is too large, and gets bodies as they come.
		MaxRequestBodySize: math.MaxInt, StreamRequestBody: true, DisablePreParseMultipartForm: true,
		NoDefaultServerHeader: true, NoDefaultContentType: true, LazyRequestTime: true,
		CloseOnShutdown: true, KeepHijackedConns: true,
		Logger: log.New(io.Discard, "", 0), // it tells of every client that breaks off
	}
	return s
}

// serve returns http.ErrServerClosed once shutdown has been called.
func (s *server) serve(l net.Listener) error {
	s.handed.addr = l.Addr()
	go s.long.Serve(s.handed)
	err := s.short.Serve(l)
	if err == nil {
		err = http.ErrServerClosed
	}
	return err
}

// shutdown waits for requests in progress until ctx ends.
func (s *server) shutdown(ctx context.Context) error {
	defer s.cancel()
	long := make(chan error, 1)
	go func() { long <- s.long.Shutdown(ctx) }()
	return errors.Join(s.short.ShutdownWithContext(ctx), <-long)
}

// handedConns is a net.Listener for the connections that fasthttp hands over.
type handedConns struct {
	addr  net.Addr
	conns chan net.Conn
	ctx   context.Context // ends with Close
	close context.CancelFunc
}

func newHandedConns() *handedConns {
	l := &handedConns{conns: make(chan net.Conn)}
	l.ctx, l.close = context.WithCancel(context.Background())
	return l
}

func (l *handedConns) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (l *handedConns) Close() error {
	l.close()
	return nil
}

func (l *handedConns) Addr() net.Addr { return l.addr }

// add hands a connection over from which request has been read already. It runs in a goroutine of
// its own.
func (l *handedConns) add(c net.Conn, request []byte) {
	request = append(request, buffered(c)...)
	if u, ok := c.(interface{ UnsafeConn() net.Conn }); ok {
		c = u.UnsafeConn()
	}
	select {
	case l.conns <- &replayed{c, request}:
	case <-l.ctx.Done():
		c.Close()
	}
}

// buffered returns what fasthttp has read beyond the request. With a deadline that has passed
// nothing but that can be read.
func buffered(c net.Conn) (all []byte) {
	defer c.SetReadDeadline(time.Time{})
	c.SetReadDeadline(time.Unix(1, 0))
	var b [512]byte
	for {
		n, err := c.Read(b[:])
		all = append(all, b[:n]...)
		if err != nil {
			return all
		}
	}
}

// A replayed connection begins with what has been read from it already.
type replayed struct {
	net.Conn
	first []byte
}

func (c *replayed) Read(b []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.first)
	if c.first = c.first[n:]; len(c.first) == 0 {
		c.first = nil
	}
	return n, nil
}
