package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// A front serves the requests that fasthttp reads with an http.Handler.
type front struct {
	handler  http.Handler
	hand     func(c net.Conn, request []byte)
	requests exchanges
}

func (f *front) serve(ctx *fasthttp.RequestCtx) {
	if isLive(ctx) {
		f.handOver(ctx)
		return
	}
	x := f.requests.get()
	defer f.requests.put(x)
	if err := x.begin(ctx); err != nil {
		ctx.Error("malformed request target", http.StatusBadRequest)
		return
	}
	defer func() {
		if p := recover(); p != nil { // net/http would close the connection
			slog.Error("panic", "value", p, "stack", string(debug.Stack()))
			ctx.Response.Reset()
			ctx.Error("internal server error", http.StatusInternalServerError)
			ctx.SetConnectionClose()
		}
	}()
	f.handler.ServeHTTP(x, &x.request)
	if x.isLong {
		f.handOver(ctx)
		return
	}
	x.WriteHeader(http.StatusOK)
}

// isLive reports whether a request may be for a live read, which only a query makes it.
func isLive(ctx *fasthttp.RequestCtx) bool {
	_, query, _ := bytes.Cut(ctx.Request.Header.RequestURI(), []byte("?"))
	return ctx.IsGet() && (bytes.Contains(query, []byte("live")) || bytes.IndexByte(query, '%') >= 0)
}

// handOver lets net/http answer the request, and those that come after it.
func (f *front) handOver(ctx *fasthttp.RequestCtx) {
	header := &ctx.Request.Header
	if n := header.ContentLength(); n > 0 || n == -1 { // the body is no longer where net/http would read it
		ctx.Response.Reset()
		ctx.Error("a live read, or one of more than 64 KiB, has no body", http.StatusBadRequest)
		ctx.SetConnectionClose()
		return
	}
	request := append([]byte(nil), header.Method()...)
	request = append(append(append(request, ' '), header.RequestURI()...), ' ')
	request = append(append(request, header.Protocol()...), "\r\n"...)
	request = append(request, header.RawHeaders()...)
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) { f.hand(c, request) })
}

// An exchange is one request and the answer to it. Its Header, and the request with its header, are
// used again.
type exchange struct {
	ctx      *fasthttp.RequestCtx
	request  http.Request
	url      url.URL
	body     body
	patience time.Duration
	answer   http.Header
	answered bool // WriteHeader was called
	isLong   bool // the answer is too long to be written at once
}

type exchanges struct {
	pool     sync.Pool
	ctx      context.Context // of every request: fasthttp does not tell when a client has gone
	patience time.Duration   // for a piece of a body
}

func (all *exchanges) get() *exchange {
	x, _ := all.pool.Get().(*exchange)
	if x == nil {
		x = &exchange{answer: make(http.Header), patience: all.patience}
		x.request = *(&http.Request{Header: make(http.Header), ProtoMajor: 1}).WithContext(all.ctx)
	}
	return x
}

func (all *exchanges) put(x *exchange) {
	clear(x.answer)
	clear(x.request.Header)
	x.ctx, x.answered, x.isLong, x.body = nil, false, false, body{}
	all.pool.Put(x)
}

// begin reads the request. Nothing in it is fasthttp's memory, which is used again.
func (x *exchange) begin(ctx *fasthttp.RequestCtx) error {
	x.ctx = ctx
	header, r := &ctx.Request.Header, &x.request
	r.RequestURI = string(header.RequestURI())
	target, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return err
	}
	x.url = *target
	r.URL, r.Method, r.Host = &x.url, method(header.Method()), string(header.Host())
	r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	if header.IsHTTP11() {
		r.Proto, r.ProtoMinor = "HTTP/1.1", 1
	}
	for key, value := range header.All() {
		if name := name(key); name != "Host" {
			r.Header[name] = append(r.Header[name], string(value))
		}
	}
	r.Body, r.ContentLength = http.NoBody, int64(max(header.ContentLength(), -1))
	if stream := ctx.RequestBodyStream(); stream != nil {
		x.body = body{stream, ctx.Conn(), r.ContentLength, x.patience, time.Time{}}
		r.Body = &x.body
	} else {
		r.ContentLength = 0
	}
	return nil
}

func method(b []byte) string {
	switch string(b) {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodPost:
		return http.MethodPost
	}
	return string(b)
}

// name is the name of a header, which need not be copied where it is well known.
func name(b []byte) string {
	switch string(b) {
	case "Host":
		return "Host"
	case "Content-Type":
		return "Content-Type"
	case "Content-Length":
		return "Content-Length"
	case "User-Agent":
		return "User-Agent"
	case "Accept":
		return "Accept"
	case "Origin":
		return "Origin"
	}
	return string(b)
}

func (x *exchange) Header() http.Header { return x.answer }

func (x *exchange) WriteHeader(status int) {
	if x.answered {
		return
	}
	x.answered = true
	if n, _ := strconv.Atoi(x.answer.Get("Content-Length")); n > maxBuffered {
		x.isLong = true
		return
	}
	x.ctx.SetStatusCode(status)
	header := &x.ctx.Response.Header
	for name, values := range x.answer {
		for _, value := range values {
			header.Add(name, value)
		}
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	if !x.isLong {
		x.ctx.Response.AppendBody(b)
	}
	return len(b), nil
}

// The server's own deadlines are for whole answers, which are short.
func (x *exchange) SetReadDeadline(time.Time) error  { return nil }
func (x *exchange) SetWriteDeadline(time.Time) error { return nil }

// A body gives each piece that is read its own deadline, unless the body came with the header.
type body struct {
	io.Reader
	conn     net.Conn
	size     int64 // -1: not known
	patience time.Duration
	armed    time.Time // when the last deadline was set
}

const prefetched = 8 << 10 // bytes of a body that fasthttp reads before it calls the handler

func (b *body) Read(p []byte) (int, error) {
	if b.size < 0 || b.size > prefetched {
		if now := time.Now(); now.Sub(b.armed) > b.patience/10 {
			b.armed = now
			b.conn.SetReadDeadline(now.Add(b.patience))
		}
	}
	return b.Reader.Read(p)
}

func (b *body) Close() error { return nil }
