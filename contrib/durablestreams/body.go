package durablestreams

import (
	"bytes"
	"errors"
	"net/http"
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
	_, err := body.ReadFrom(http.MaxBytesReader(q.w, q.r.Body, int64(q.limits.MaxBytes)))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body did not arrive whole")
	}
	return body.Bytes(), nil
}

// messages returns what a body is stored as: in JSON mode the elements of an array, or one message
// (section 9.1.2), else the bytes, in pieces that an event may hold.
func (c config) messages(body []byte, maxEventBytes int) ([][]byte, error) {
	if !c.isJSON() {
		return pieces(body, maxEventBytes-offsetDigits), nil
	}
	if len(body) == 0 {
		return nil, nil
	}
	messages, ok := elements(body)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "the body is not JSON")
	}
	return messages, nil
}

func pieces(b []byte, most int) (all [][]byte) {
	for most = max(most, 1); len(b) > most; b = b[most:] {
		all = append(all, b[:most])
	}
	if len(b) > 0 {
		all = append(all, b)
	}
	return all
}
