package verdict

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	sse "github.com/r3labs/sse/v2"
)

var r3labs = Subject{
	Name: "r3labs/sse", Used: "its Server over HTTP, with AutoReplay; a stream for each of a session's",
	Open: func(Limits) (Store, error) {
		return &r3labsStore{server: sse.New(), arrived: map[string]chan string{}}, nil
	},
	Says: map[string]string{
		slowReader: "If the stream's buffer is full, it blocks until the message is sent out to all subscribers",
	},
	Lacks: map[string]string{
		evictedID:   "it drops nothing",
		duplicateID: "it numbers the events",
		emptyEvents: "it logs no event without data",
		timeToLive:  "EventTTL hides old events, and keeps them",
	},
}

// Publishing is asynchronous, and an event gets its ID on the way. Every stream therefore has a
// client that reads all the time, and Append returns when that one has the event, as a client that
// is going to send its ID must have had it.
type r3labsStore struct {
	server  *sse.Server
	mu      sync.Mutex
	arrived map[string]chan string // by stream: the IDs that its client gets; closed when the stream has ended
	marks   atomic.Int64
}

func (*r3labsStore) name(session, stream string) string { return session + "/" + stream }

func (r *r3labsStore) Open(session, stream string) error {
	name := r.name(session, stream)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.arrived[name] != nil {
		return nil
	}
	r.server.CreateStream(name)
	arrived := make(chan string)
	r.arrived[name] = arrived
	there := make(chan struct{})
	ctx := context.Background()
	go func() {
		defer close(arrived)
		r.get(ctx, session, stream, "", &r3labsClient{
			got: func(id, _ string) { arrived <- id }, until: ctx, begin: func() { close(there) },
		})
	}()
	<-there
	return nil
}

func (r *r3labsStore) Append(session, stream, _, data string) (string, error) {
	name := r.name(session, stream)
	r.mu.Lock() // events arrive in the order of the calls
	defer r.mu.Unlock()
	r.server.Publish(name, &sse.Event{Data: []byte(data)})
	return <-r.arrived[name], nil
}

// Resume publishes a comment, which is not logged, behind what is there: when it arrives,
// everything has.
func (r *r3labsStore) Resume(session, stream, lastEventID string, got func(id, data string)) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	mark := fmt.Sprint("mark ", r.marks.Add(1))
	begin := func() { go r.server.Publish(r.name(session, stream), &sse.Event{Comment: []byte(mark)}) }
	return r.get(
		ctx,
		session,
		stream,
		lastEventID,
		&r3labsClient{got: got, until: ctx, begin: begin, mark: ": " + mark, end: cancel},
	)
}

func (r *r3labsStore) Follow(
	ctx context.Context,
	session, stream, lastEventID string,
	got func(id, data string),
) error {
	return r.get(ctx, session, stream, lastEventID, &r3labsClient{got: got, until: ctx})
}

func (r *r3labsStore) get(ctx context.Context, session, stream, lastEventID string, c *r3labsClient) error {
	req := httptest.NewRequest(http.MethodGet, "/?stream="+url.QueryEscape(r.name(session, stream)), nil).
		WithContext(ctx)
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	c.header = http.Header{}
	r.server.ServeHTTP(c, req)
	if c.status != http.StatusOK {
		return fmt.Errorf("status %d", c.status)
	}
	return nil
}

func (r *r3labsStore) End(session string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.arrived {
		if strings.HasPrefix(name, session+"/") {
			r.server.RemoveStream(name)
		}
	}
	return nil
}

func (r *r3labsStore) Close() { r.server.Close() }

// An r3labsClient is the connection of a client: it reads the stream as it is written.
type r3labsClient struct {
	header http.Header
	status int
	buf    []byte
	got    func(id, data string)
	until  context.Context
	begin  func() // called when the stream has begun; may be nil
	mark   string // the comment at which the client goes
	end    func()
}

func (c *r3labsClient) Header() http.Header { return c.header }

func (c *r3labsClient) WriteHeader(status int) { c.status = status }

func (c *r3labsClient) Flush() {
	if c.begin != nil {
		c.begin()
		c.begin = nil
	}
}

func (c *r3labsClient) Write(b []byte) (int, error) {
	c.buf = append(c.buf, b...)
	for {
		event, rest, whole := strings.Cut(string(c.buf), "\n\n")
		if !whole {
			return len(b), nil
		}
		c.buf = []byte(rest)
		c.event(event)
	}
}

func (c *r3labsClient) event(text string) {
	var id, data string
	for line := range strings.Lines(text + "\n") {
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == c.mark && c.mark != "":
			c.end()
		case strings.HasPrefix(line, "id: "):
			id = line[4:]
		case strings.HasPrefix(line, "data: "):
			data = line[6:]
		}
	}
	if id != "" && c.until.Err() == nil {
		c.got(id, data)
	}
}
