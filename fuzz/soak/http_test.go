package soak_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// followHTTP follows one session after the other over HTTP, and sends a request that is malformed
// now and then.
func (s *soak) followHTTP(r *rand.Rand) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for s.ctx.Err() == nil {
		session := s.any(r)
		t := newTrail(session.ID())
		for range 1 + r.IntN(5) {
			again, err := s.get(client, session, t, r)
			if err != nil && s.ctx.Err() == nil {
				s.fail(err)
			}
			if !again || s.ctx.Err() != nil {
				break
			}
		}
		s.misbehave(client, r)
	}
}

// get is one connection.
func (s *soak) get(client *http.Client, session *shard.Session, t *trail, r *rand.Rand) (again bool, err error) {
	ctx, cut := context.WithTimeout(s.ctx, time.Duration(10+r.IntN(200))*time.Millisecond)
	defer cut()
	s.counts.cuts.Add(1)
	resp, err := s.request(ctx, client, http.MethodGet, session.ID(), t.lastID)
	if err != nil {
		return true, ignore(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusNoContent:
		return false, nil
	case resp.StatusCode == http.StatusGone && s.gone(session, t):
		s.counts.gaps.Add(1)
		*t = *newTrail(t.session)
		return true, nil
	case resp.StatusCode != http.StatusOK:
		return false, fmt.Errorf("session %s after %q: status %d", t.session, t.lastID, resp.StatusCode)
	}
	return true, s.readStream(ctx, resp.Body, t, 1+r.IntN(400))
}

func (s *soak) request(ctx context.Context, client *http.Client, method, session,
	lastEventID string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.server.URL+"/?session="+url.QueryEscape(session), nil)
	if err != nil {
		return nil, err
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	return client.Do(req)
}

// readStream reads so many events of a stream, or until it ends.
func (s *soak) readStream(ctx context.Context, body io.Reader, t *trail, events int) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 2*maxEventBytes)
	var id, data string
	for events > 0 && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "id":
			id = value
		case name == "data":
			data = value
		case name == "" && data != "": // the end of an event, not of a comment
			if err := t.see(id, []byte(data)); err != nil {
				return err
			}
			s.counts.followed.Add(1)
			data = ""
			events--
		}
	}
	return ignore(ctx, lines.Err())
}

// ignore returns err unless it is the cut's.
func ignore(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// misbehave sends a request that is to be refused.
func (s *soak) misbehave(client *http.Client, r *rand.Rand) {
	requests := []struct {
		method, session, lastEventID string
		status                       int
	}{
		{http.MethodPost, "x", "", http.StatusMethodNotAllowed},
		{http.MethodGet, "", "", http.StatusBadRequest},
		{http.MethodGet, "unknown", "", http.StatusNotFound},
		{http.MethodGet, s.hot.session.Load().ID(), strings.Repeat("x", 1<<10+1), http.StatusBadRequest},
		{http.MethodGet, s.hot.session.Load().ID(), "invented", http.StatusGone},
		{http.MethodDelete, "unknown", "", http.StatusNotFound},
	}
	q := requests[r.IntN(len(requests))]
	resp, err := s.request(s.ctx, client, q.method, q.session, q.lastEventID)
	if err != nil {
		if s.ctx.Err() == nil {
			s.fail(err)
		}
		return
	}
	resp.Body.Close()
	if resp.StatusCode != q.status {
		s.fail(fmt.Errorf("%s of %q after %.10q: status %d, want %d", q.method, q.session, q.lastEventID,
			resp.StatusCode, q.status))
	}
}
