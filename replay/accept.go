package replay

import (
	"errors"
	"net/http"
	"time"

	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/shard"
)

// handOver is how long a new stream waits for the end of the one that it takes over from, which may
// go on writing for a second.
const handOver = 5 * time.Second

var errHandlerClosed = errors.New("replay: handler closed")

// Accept is for a handler of one's own, which wants to see or change events before a client does:
// it checks a request as ServeHTTP does, whatever its method, and returns its stream, of which the
// caller is the reader. Everything that the Handler's documentation says of streams holds for it:
// headers, deadlines, comments, gaps, Exclusive, Close, Stats. When it returns nil the request has
// been answered: it was refused, or HEAD.
func (h *Handler) Accept(w http.ResponseWriter, r *http.Request) *Stream {
	s, err := h.accept(w, r)
	if err != nil {
		h.answer(w, r, err)
		return nil
	}
	return s
}

// accept returns neither a stream nor an error for a HEAD that it has answered.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request) (*Stream, error) {
	id, at, err := h.wanted(w, r)
	if err != nil {
		return nil, err
	}
	session, err := h.admit(r, id)
	if err != nil {
		return nil, err
	}
	s := h.newStream(w, r, session, id, at)
	accepted := false
	defer func() {
		if !accepted {
			s.release()
		}
	}()
	if !h.streams.Enter(s.w) {
		return nil, errHandlerClosed
	}
	head := r.Method == http.MethodHead
	if err := s.claim(head); err != nil {
		return nil, err
	}
	done, err := s.turn(head)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := s.openOrTakeOver(head); err != nil {
		return nil, err
	}
	if !sse.CanFlush(w) {
		return nil, refuse(http.StatusInternalServerError, "streaming is not possible: the ResponseWriter cannot flush")
	}
	if head {
		sse.SetHeader(w.Header())
		w.WriteHeader(http.StatusOK)
		return nil, nil
	}
	if s.keepsNewest() {
		h.streams.Take(id, s.w)
	}
	accepted = true
	s.begin(w.Header())
	return s, nil
}

// claim makes s the session's only stream, or refuses it, with KeepFirst. HEAD only looks.
func (s *Stream) claim(head bool) error {
	if !s.h.Exclusive || s.keepsNewest() {
		return nil
	}
	if head && !s.h.streams.Holds(s.id) || !head && s.h.streams.TryTake(s.id, s.w) {
		return nil
	}
	return refuse(http.StatusConflict, "session already has an open stream")
}

// turn lets newcomers that may take over do so one after the other. One that has found room and not
// yet taken over could not be ended by the next one, which would be refused for want of room.
func (s *Stream) turn(head bool) (done func(), err error) {
	if head || !s.keepsNewest() {
		return func() {}, nil
	}
	if done, err = s.h.streams.Turn(s.ctx, s.id); err != nil {
		return nil, errHandlerClosed // or the client has gone
	}
	return done, nil
}

// openOrTakeOver opens the stream. Where the session has no room for another reader, it first ends
// the stream that it takes over from, and waits until that has gone.
func (s *Stream) openOrTakeOver(head bool) error {
	err := s.open()
	if !errors.Is(err, shard.ErrAttachLimit) || !s.keepsNewest() {
		return err
	}
	if head {
		if s.h.streams.Holds(s.id) {
			return nil
		}
		return err
	}
	before := s.h.streams.Take(s.id, s.w)
	if before == nil {
		return err
	}
	timer := time.NewTimer(handOver)
	defer timer.Stop()
	select {
	case <-before.Gone():
	case <-timer.C:
	}
	return s.open()
}

func (s *Stream) keepsNewest() bool { return s.h.Exclusive && s.h.Keep == KeepNewest }
