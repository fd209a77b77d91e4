package durablestreams

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// readBody returns the whole body, at most as much as a stream may retain. The client may take as
// long as the server lets it.
func (q *request) readBody() ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, int64(q.limits.MaxBytes)))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body did not arrive whole")
	}
	return body, nil
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
	if !json.Valid(body) {
		return nil, refuse(http.StatusBadRequest, "the body is not JSON")
	}
	body = bytes.TrimSpace(body)
	if body[0] != '[' {
		return [][]byte{body}, nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(body, &elements); err != nil {
		return nil, refuse(http.StatusBadRequest, "the body is not JSON")
	}
	messages := make([][]byte, len(elements))
	for i, e := range elements {
		messages[i] = e
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

// A pieceWriter writes an answer in pieces, each with a deadline of its own: who reads steadily
// gets everything, and who stops is gone after the timeout.
type pieceWriter struct {
	w       io.Writer
	control *http.ResponseController
	timeout time.Duration // not positive: none
}

const pieceBytes = 64 << 10

func (q *request) pieceWriter() *pieceWriter {
	return &pieceWriter{q.w, http.NewResponseController(q.w), orElse(q.h.WriteTimeout, DefaultWriteTimeout)}
}

func (p *pieceWriter) Write(b []byte) (n int, err error) {
	for first := true; first || n < len(b); first = false {
		p.extend()
		m, err := p.w.Write(b[n:min(n+pieceBytes, len(b))])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// extend gives the next piece its time. A ResponseWriter without deadlines is served without.
func (p *pieceWriter) extend() {
	if p.timeout > 0 {
		p.control.SetWriteDeadline(time.Now().Add(p.timeout))
	}
}

// flush sends what has been written, and leaves no deadline behind.
func (p *pieceWriter) flush() error {
	p.extend()
	err := p.control.Flush()
	if p.timeout > 0 {
		p.control.SetWriteDeadline(time.Time{})
	}
	return err
}
