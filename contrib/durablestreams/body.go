package durablestreams

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/reprise-go/reprise/ring"
)

// maxKept is the size of the largest buffer that is kept for later requests, and how much is taken
// for a body before it has come.
const maxKept = 64 << 10

// borrow returns an empty buffer with room for n bytes, which is the request's until it has been
// answered: Stores copy what they are given.
func (q *request) borrow(n int) *bytes.Buffer {
	if q.buffer == nil {
		if q.buffer, _ = q.h.buffers.Get().(*bytes.Buffer); q.buffer == nil {
			q.buffer = new(bytes.Buffer)
		}
	}
	q.buffer.Reset()
	q.buffer.Grow(n)
	return q.buffer
}

func (q *request) release() {
	if q.buffer != nil && q.buffer.Cap() <= maxKept+bytes.MinRead {
		q.h.buffers.Put(q.buffer)
	}
	q.buffer = nil
}

// readBody returns the whole body, at most as much as a stream may retain. The client may take as
// long as the server lets it.
func (q *request) readBody() ([]byte, error) {
	body := q.borrow(bytes.MinRead + int(min(max(q.r.ContentLength, 0), maxKept)))
	if _, err := body.ReadFrom(http.MaxBytesReader(q.w, q.r.Body, int64(q.limits.MaxBytes))); err != nil {
		return nil, bodyRefusal(err)
	}
	return body.Bytes(), nil
}

func bodyRefusal(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	}
	return refuse(http.StatusBadRequest, "the body did not arrive whole")
}

// A scratch has the slices of an append, which are used again: for a hundred messages they are
// twice as much as the messages.
type scratch struct {
	messages [][]byte
	events   []ring.Event
}

// maxScratch is how many messages may have made a scratch as large as it is.
const maxScratch = 1 << 10

func (h *Handler) borrowScratch() *scratch {
	if s, ok := h.scratches.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

func (h *Handler) returnScratch(s *scratch) {
	if cap(s.events) > maxScratch || cap(s.messages) > maxScratch {
		return
	}
	clear(s.events)
	clear(s.messages)
	h.scratches.Put(s)
}

func (s *scratch) messagesOf(c config, body []byte, maxEventBytes int) (messages [][]byte, err error) {
	messages, err = c.messages(s.messages[:0], body, maxEventBytes)
	if err == nil {
		s.messages = messages
	}
	return messages, err
}

func (s *scratch) batch(tail offset, messages [][]byte, r *record) []ring.Event {
	s.events = batch(s.events[:0], tail, messages, r)
	return s.events
}

// messages appends to all what a body is stored as: in JSON mode the elements of an array, or one
// message (section 9.1.2), else the bytes, in pieces that an event may hold.
func (c config) messages(all [][]byte, body []byte, maxEventBytes int) ([][]byte, error) {
	if !c.isJSON() {
		return pieces(all, body, maxEventBytes-offsetDigits), nil
	}
	if len(body) == 0 {
		return all, nil
	}
	all, ok := elements(all, body)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "the body is not JSON")
	}
	return all, nil
}

func pieces(all [][]byte, b []byte, most int) [][]byte {
	for most = max(most, 1); len(b) > most; b = b[most:] {
		all = append(all, b[:most])
	}
	if len(b) > 0 {
		all = append(all, b)
	}
	return all
}
