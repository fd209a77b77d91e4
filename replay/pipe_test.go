package replay

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"
)

// A pipe is a ResponseWriter whose client can be made to stall and whose writes obey deadlines,
// under testing/synctest too.
type pipe struct {
	ctx    context.Context
	hangUp context.CancelFunc

	mu       sync.Mutex
	header   http.Header
	status   int
	deadline time.Time
	stall    bool // writes wait until resume or the deadline
	resumed  chan struct{}
	writes   []int       // sizes
	wrote    []time.Time // when each write began
	limits   []time.Time // the deadline in force at each
	flushes  int
	parsed   *parser
}

func newPipe(ctx context.Context) *pipe {
	ctx, cancel := context.WithCancel(ctx)
	return &pipe{ctx: ctx, hangUp: cancel, header: http.Header{}, resumed: make(chan struct{}), parsed: newParser()}
}

func (p *pipe) Header() http.Header    { return p.header }
func (p *pipe) WriteHeader(status int) { p.status = status }

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = append(p.writes, len(b))
	p.wrote = append(p.wrote, time.Now())
	p.limits = append(p.limits, p.deadline)
	for p.stall {
		if !p.deadline.IsZero() && !time.Now().Before(p.deadline) {
			return 0, os.ErrDeadlineExceeded
		}
		p.mu.Unlock()
		p.wait()
		p.mu.Lock()
	}
	return p.parsed.Write(b)
}

// wait until resume, a new deadline or the deadline.
func (p *pipe) wait() {
	p.mu.Lock()
	resumed, left := p.resumed, time.Until(p.deadline)
	if p.deadline.IsZero() {
		left = time.Hour
	}
	p.mu.Unlock()
	select {
	case <-resumed:
	case <-time.After(left):
	}
}

func (p *pipe) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stall = false
	p.wake()
}

func (p *pipe) wake() {
	close(p.resumed)
	p.resumed = make(chan struct{})
}

func (p *pipe) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	p.wake()
	return nil
}

func (p *pipe) FlushError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushes++
	return nil
}

func (p *pipe) events() int   { p.mu.Lock(); defer p.mu.Unlock(); return len(p.parsed.events) }
func (p *pipe) comments() int { p.mu.Lock(); defer p.mu.Unlock(); return p.parsed.comments }
func (p *pipe) flushed() int  { p.mu.Lock(); defer p.mu.Unlock(); return p.flushes }

// a sink takes everything and keeps nothing: what is measured with it is ours.
type sink struct {
	header  http.Header
	writes  int
	bytes   int
	onFlush func()
}

func (s *sink) Header() http.Header              { return s.header }
func (s *sink) WriteHeader(int)                  {}
func (s *sink) Write(b []byte) (int, error)      { s.writes++; s.bytes += len(b); return len(b), nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }
func (s *sink) FlushError() error {
	if s.onFlush != nil {
		s.onFlush()
	}
	return nil
}
