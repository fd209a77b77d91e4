package replay

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reprise-go/reprise/ring"
)

// wanted returns which session a GET is for and where it begins, if nothing in the request itself is wrong.
func (h *Handler) wanted(r *http.Request) (id string, at Position, err error) {
	if err = h.checkOrigin(r); err != nil {
		return
	}
	if err = checkAccept(r); err != nil {
		return
	}
	if r.ContentLength != 0 {
		// net/http does not notice that a client has gone before it has read the request's body.
		err = refuse(http.StatusBadRequest, "a GET has no body")
		return
	}
	if id, err = h.sessionID(r); err != nil {
		return
	}
	at, err = h.position(r)
	return
}

// checkOrigin refuses requests of foreign web pages.
func (h *Handler) checkOrigin(r *http.Request) error {
	if SameOrigin(r) || h.AllowOrigin != nil && h.AllowOrigin(r) {
		return nil
	}
	return refuse(http.StatusForbidden, "origin not allowed")
}

// SameOrigin reports whether r has no Origin header, or one that names the host and port that r was
// sent to; over TLS its scheme must be https. "null" is never one's own. A request without Origin
// is not one that a browser lets a foreign page read.
func SameOrigin(r *http.Request) bool {
	origins := r.Header["Origin"]
	return len(origins) == 0 || len(origins) == 1 && ownOrigin(r, origins[0])
}

// ownOrigin reports whether origin is the host and port that r was sent to. Whether a request without TLS came through a
// proxy that had it cannot be known; then the origin's scheme is taken for the request's.
func ownOrigin(r *http.Request, origin string) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	if !ok || r.Host == "" || strings.ContainsAny(host, "/?#@\\") {
		return false
	}
	var port string
	switch strings.ToLower(scheme) {
	case "https":
		port = "443"
	case "http":
		if r.TLS != nil {
			return false
		}
		port = "80"
	default:
		return false
	}
	ours, theirs := url.URL{Host: r.Host}, url.URL{Host: host}
	return strings.EqualFold(ours.Hostname(), theirs.Hostname()) && withDefault(ours.Port(), port) == withDefault(theirs.Port(), port)
}

func withDefault(port, def string) string {
	if port == "" {
		return def
	}
	return port
}

// checkAccept refuses requests whose Accept header excludes text/event-stream (RFC 9110, section 12.5.1): the most specific
// range that matches decides, and a header that is missing or empty excludes nothing.
func checkAccept(r *http.Request) error {
	best, accepted, empty := 0, false, true
	for _, line := range r.Header["Accept"] {
		for item := range strings.SplitSeq(line, ",") {
			media, params, _ := strings.Cut(item, ";")
			media = strings.TrimSpace(media)
			empty = empty && media == ""
			rank := specificity(media)
			if rank == 0 || rank < best {
				continue
			}
			wanted := weighed(params)
			accepted = wanted || rank == best && accepted
			best = rank
		}
	}
	if accepted || empty {
		return nil
	}
	return refuse(http.StatusNotAcceptable, "this resource is a text/event-stream")
}

// specificity ranks a media range that matches text/event-stream; 0 does not.
func specificity(media string) int {
	switch {
	case strings.EqualFold(media, "text/event-stream"):
		return 3
	case strings.EqualFold(media, "text/*"):
		return 2
	case media == "*/*":
		return 1
	}
	return 0
}

// weighed reports whether a range's weight is above 0; one that is missing or malformed is taken for 1.
func weighed(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return err != nil || q > 0
		}
	}
	return true
}

func (h *Handler) sessionID(r *http.Request) (string, error) {
	var id string
	if h.SessionID != nil {
		id = h.SessionID(r)
	} else if id = r.Header.Get("Mcp-Session-Id"); id == "" {
		id = r.URL.Query().Get("session")
	}
	if id == "" {
		return "", refuse(http.StatusBadRequest, "session ID missing")
	}
	return id, nil
}

func (h *Handler) position(r *http.Request) (Position, error) {
	var at Position
	if h.Position != nil {
		at = h.Position(r)
	} else if at.LastEventID = r.Header.Get("Last-Event-ID"); at.LastEventID == "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil { // an ID that was lost here would become a full replay
			return at, refuse(http.StatusBadRequest, "malformed query")
		}
		at.LastEventID = query.Get("last_event_id")
	}
	if !validEventID(at.LastEventID) {
		return at, refuse(http.StatusBadRequest, "malformed Last-Event-ID")
	}
	return at, nil
}

func validEventID(id string) bool {
	return len(id) <= ring.MaxIDBytes && utf8.ValidString(id) && !strings.ContainsAny(id, "\x00\r\n")
}
