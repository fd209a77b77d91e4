package durablestreams

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/reprise-go/reprise/ring"
)

// append serves POST: it appends, closes, or both (sections 5.2 and 5.3).
func (q *request) append() error {
	f, _, err := q.existing()
	if err != nil {
		return err
	}
	a := appending{request: q, found: f, closes: isTrue(q.r.Header, "Stream-Closed")}
	if a.producer, err = producerOf(q.r.Header); err != nil {
		return err
	}
	if a.body, err = q.readBody(); err != nil {
		return err
	}
	if len(a.body) == 0 && !a.closes {
		return refuse(http.StatusBadRequest, "the body is empty")
	}
	if seq := q.r.Header["Stream-Seq"]; len(seq) > 0 {
		a.streamSeq = &seq[len(seq)-1]
	}
	a.scratch = q.h.borrowScratch()
	defer q.h.returnScratch(a.scratch)
	return a.run()
}

// An appending is one POST in progress.
type appending struct {
	*request
	found
	scratch   *scratch
	body      []byte
	closes    bool
	producer  *producer // nil: none
	streamSeq *string   // nil: none
}

// run stores what there is to store. When somebody else has appended meanwhile, it starts again
// behind that.
func (a *appending) run() error {
	ctx := a.r.Context()
	if err := a.take(ctx); err != nil {
		return err
	}
	defer a.give()
	for {
		if err := a.catchUp(ctx, a.h.Store, a.newest); err != nil {
			return err
		}
		done, messages, err := a.judge()
		if done || err != nil {
			return err
		}
		r := a.fill(a.record(), a.limits)
		err = a.store(ctx, a.h.Store, a.scratch.batch(a.tail, messages, r))
		if errors.Is(err, ring.ErrDuplicateID) {
			again, findErr := a.h.find(ctx, a.request.id)
			if findErr != nil {
				return findErr
			}
			if again.incarnation != a.incarnation {
				return errNotFound
			}
			if again.newest == a.seq {
				return fmt.Errorf(
					"durablestreams: message %s of %q is taken by nobody: %w",
					a.tail+1,
					a.request.id,
					err,
				)
			}
			a.newest = again.newest
			continue
		}
		if err != nil {
			return err
		}
		a.succeed(a.producer != nil && len(a.body) > 0)
		return nil
	}
}

// record is what the state learns from this request; nil for nothing.
func (a *appending) record() *record {
	if a.producer == nil && a.streamSeq == nil && !a.closes {
		return nil
	}
	r := &record{StreamSeq: a.streamSeq, Closed: a.closes}
	if a.producer != nil {
		r.Producers = []producer{*a.producer}
	}
	if a.closes {
		r.ClosedBy = a.producer
	}
	return r
}

// judge holds the request against the state. done: it has been answered. The order is that of
// section 5.2: closed, content type, producer, Stream-Seq.
func (a *appending) judge() (done bool, messages [][]byte, err error) {
	if a.closed {
		return a.judgeClosed()
	}
	if len(a.body) > 0 {
		contentType := a.r.Header.Get("Content-Type")
		if contentType == "" {
			return false, nil, refuse(http.StatusBadRequest, "Content-Type is missing")
		}
		if contentType != a.contentType && mediaType(contentType) != mediaType(a.contentType) {
			return false, nil, refuse(http.StatusConflict, "the stream has another content type")
		}
		if messages, err = a.scratch.messagesOf(a.config, a.body, a.limits.MaxEventBytes); err != nil {
			return false, nil, err
		}
		if len(messages) == 0 {
			return false, nil, refuse(http.StatusBadRequest, "an empty array has nothing to append")
		}
	}
	if a.producer != nil {
		if done, err := a.judgeProducer(); done || err != nil {
			return done, nil, err
		}
	}
	if a.streamSeq != nil && a.state.streamSeq != nil && *a.streamSeq <= *a.state.streamSeq {
		return false, nil, refuse(http.StatusConflict, "Stream-Seq does not follow the last one")
	}
	return false, messages, nil
}

// judgeClosed answers a request for a closed stream: the one that closed it, and a request to close
// it, succeed again.
func (a *appending) judgeClosed() (done bool, messages [][]byte, err error) {
	switch {
	case a.producer != nil && a.closedBy != nil && *a.producer == *a.closedBy,
		a.closes && len(a.body) == 0:
		a.succeed(false)
		return true, nil, nil
	}
	a.w.Header().Set("Stream-Closed", "true")
	a.w.Header().Set("Stream-Next-Offset", a.tail.String())
	return false, nil, refuse(http.StatusConflict, "the stream is closed")
}

// judgeProducer is the validation of section 5.2.1. A producer that is not known is one whose epoch
// begins.
func (a *appending) judgeProducer() (done bool, err error) {
	header := a.w.Header()
	known, ok := a.producers[a.producer.ID]
	switch {
	case !ok && a.producer.Seq != 0:
		known = producer{Epoch: a.producer.Epoch, Seq: -1}
	case !ok:
		return false, nil
	case a.producer.Epoch < known.Epoch:
		header.Set("Producer-Epoch", strconv.FormatInt(known.Epoch, 10))
		return false, refuse(http.StatusForbidden, "a later epoch of the producer has begun")
	case a.producer.Epoch > known.Epoch:
		if a.producer.Seq != 0 {
			return false, refuse(http.StatusBadRequest, "an epoch begins with Producer-Seq 0")
		}
		return false, nil
	case a.producer.Seq <= known.Seq:
		a.succeed(false)
		return true, nil
	}
	if a.producer.Seq > known.Seq+1 {
		header.Set("Producer-Expected-Seq", strconv.FormatInt(known.Seq+1, 10))
		header.Set("Producer-Received-Seq", strconv.FormatInt(a.producer.Seq, 10))
		return false, refuse(http.StatusConflict, "Producer-Seq leaves a gap")
	}
	return false, nil
}

// succeed answers 200 for new data of a producer, and else 204.
func (a *appending) succeed(isNew bool) {
	header := a.w.Header()
	values := [...]string{a.tail.String(), "no-store"}
	header["Stream-Next-Offset"], header["Cache-Control"] = values[0:1:1], values[1:2:2]
	if a.closed {
		header.Set("Stream-Closed", "true")
	}
	if a.producer != nil {
		p, ok := a.producers[a.producer.ID]
		if !ok {
			p = *a.producer
		}
		header.Set("Producer-Epoch", strconv.FormatInt(p.Epoch, 10))
		header.Set("Producer-Seq", strconv.FormatInt(p.Seq, 10))
	}
	if isNew {
		a.w.WriteHeader(http.StatusOK)
		return
	}
	a.w.WriteHeader(http.StatusNoContent)
}

const (
	maxProducerID  = 1 << 10
	maxProducerInt = 1<<53 - 1
)

// producerOf reads the three headers of an idempotent producer: all of them or none.
func producerOf(header http.Header) (*producer, error) {
	id, hasID := last(header, "Producer-Id")
	epoch, hasEpoch := last(header, "Producer-Epoch")
	seq, hasSeq := last(header, "Producer-Seq")
	if !hasID && !hasEpoch && !hasSeq {
		return nil, nil
	}
	if !hasID || !hasEpoch || !hasSeq {
		return nil, refuse(http.StatusBadRequest, "Producer-Id, Producer-Epoch and Producer-Seq go together")
	}
	p := &producer{ID: strings.Clone(id)}
	if id == "" || len(id) > maxProducerID {
		return nil, refuse(http.StatusBadRequest, "Producer-Id is empty or over 1024 bytes")
	}
	for _, field := range []struct {
		name, text string
		to         *int64
	}{{"Producer-Epoch", epoch, &p.Epoch}, {"Producer-Seq", seq, &p.Seq}} {
		n, err := strconv.ParseInt(field.text, 10, 64)
		if err != nil || n < 0 || n > maxProducerInt || field.text[0] == '+' {
			return nil, refuse(http.StatusBadRequest, field.name+" is not an integer from 0 to 2^53-1")
		}
		*field.to = n
	}
	return p, nil
}

// last is for a name as it stands in a header.
func last(header http.Header, name string) (string, bool) {
	values := header[name]
	if len(values) == 0 {
		return "", false
	}
	return values[len(values)-1], true
}
