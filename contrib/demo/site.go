package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/inspector"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	inspectorPath = "/inspector/"
	wordPause     = 120 * time.Millisecond // between two words
	words         = 1500                   // then a stream finishes: three minutes
	siteRetry     = 2 * time.Second        // long enough to see that nothing comes
	forsaken      = 30 * time.Second       // a stream that nobody has followed for so long ends
	maxSpeakers   = 50
)

//go:embed site
var pages embed.FS

// site is a page that follows a stream of words and can have its connection cut, and beside it the
// Inspector.
type site struct {
	manager *shard.Manager
	events  *replay.Handler
	inspect *inspector.Handler
	text    []string

	mu       sync.Mutex
	closed   bool
	conns    map[string]net.Conn // by session, of those whose stream is open
	speakers int
	running  sync.WaitGroup
}

func newSite(m *shard.Manager) *site {
	events := &replay.Handler{Store: replay.Local(m), Retry: siteRetry}
	return &site{
		manager: m,
		events:  events,
		inspect: &inspector.Handler{Manager: m, Handlers: []*replay.Handler{events}},
		text:    strings.Fields(speech),
		conns:   map[string]net.Conn{},
	}
}

// mount adds the site to what a server on a loopback address serves. It has no authentication, so
// that it is for the machine's own user alone.
func (s *site) mount(mux *http.ServeMux) {
	files, _ := fs.Sub(pages, "site") // it is there
	protect := http.NewCrossOriginProtection().Handler
	mux.Handle("GET /{$}", ownHost(http.FileServerFS(files)))
	mux.Handle("GET /site/", ownHost(http.StripPrefix("/site/", http.FileServerFS(files))))
	mux.Handle("GET /events", ownHost(http.HandlerFunc(s.follow)))
	mux.Handle("POST /start", ownHost(protect(http.HandlerFunc(s.start))))
	mux.Handle("POST /cut", ownHost(protect(http.HandlerFunc(s.cut))))
	mux.Handle(inspectorPath, ownHost(s.inspect))
}

// close ends the streams; what speaks ends with the manager's sessions.
func (s *site) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.events.Close()
	s.inspect.Close()
	s.running.Wait()
}

// ownHost refuses names that were rebound to this machine's loopback address.
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			http.Error(w, "this is for localhost alone", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

type connKey struct{}

// withConn lets a request find its own connection, for cut.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

func (s *site) follow(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("session")
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	s.mu.Lock()
	s.conns[id] = conn
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conns[id] == conn {
			delete(s.conns, id)
		}
	}()
	s.events.ServeHTTP(w, r)
}

// cut resets the TCP connection of a session's stream, as a network that fails does.
func (s *site) cut(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	conn := s.conns[r.URL.Query().Get("session")]
	s.mu.Unlock()
	if conn == nil {
		http.Error(w, "there is no connection to cut", http.StatusConflict)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) // RST instead of FIN
	}
	conn.Close()
	w.WriteHeader(http.StatusNoContent)
}

// start begins a stream and answers with its session ID.
func (s *site) start(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.speakers == maxSpeakers {
		http.Error(w, "too many streams", http.StatusServiceUnavailable)
		return
	}
	session, err := s.manager.Create(shard.Metadata{Transport: "sse"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	s.speakers++
	s.running.Go(func() {
		s.speak(session)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.speakers--
	})
	fmt.Fprint(w, session.ID())
}

// speak appends a word at a time, whether or not anybody listens; when nobody has for long, it
// gives up.
func (s *site) speak(session *shard.Session) {
	pace := time.NewTicker(wordPause)
	defer pace.Stop()
	for i := range words {
		select {
		case <-pace.C:
		case <-session.Done():
			return
		}
		data, _ := json.Marshal(map[string]any{"n": i + 1, "word": s.text[i%len(s.text)], "at": time.Now().UnixMilli()})
		if _, err := session.Append(ring.Event{Type: "word", Data: data}); err != nil {
			return
		}
		if session.Health().Unattached > forsaken {
			session.Terminate()
			return
		}
	}
	session.Finish()
}

const speech = `Every word of this text is an event. The server appends it to your session whether you listen or not, and sends it down a
connection that is open as long as the network pleases. When you cut that connection, nothing stops here: the words go on being
written, one after the other, and wait. A moment later your browser comes back by itself. It names the last event that it has, the
server finds that place in the log, sends what you have missed in one go, and carries on live. You will see those words marked. None is
missing, none comes twice, and none comes out of order. Cut as often as you like.`
