package replay

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/reprise-go/reprise/ring"
)

// wanted returns which session a request is for and where it begins, if nothing in the request
// itself is wrong.
func (h *Handler) wanted(w http.ResponseWriter, r *http.Request) (id string, at Position, err error) {
	if err = h.checkOrigin(r); err != nil {
		return
	}
	if err = checkAccept(r); err != nil {
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if err = h.checkBody(w, r); err != nil {
			return
		}
	}
	if id, err = h.sessionID(r); err != nil {
		return
	}
	at, err = h.position(r)
	return
}

// checkBody refuses a body of one byte or more. A proxy may send a GET as chunked, with none; it is
// read to its end, because net/http does not notice that a client has gone before that.
func (h *Handler) checkBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	if r.ContentLength < 0 && r.Body != nil {
		if d := orDefault(h.WriteTimeout, DefaultWriteTimeout); d >= 0 {
			control := http.NewResponseController(w)
			control.SetReadDeadline(time.Now().Add(d))
			defer control.SetReadDeadline(time.Time{})
		}
		if n, err := io.ReadFull(r.Body, make([]byte, 1)); n == 0 && err == io.EOF {
			return nil
		}
	}
	return refuse(http.StatusBadRequest, "a GET has no body")
}

// checkOrigin refuses requests of foreign web pages.
func (h *Handler) checkOrigin(r *http.Request) error {
	if SameOrigin(r) || h.AllowOrigin != nil && h.AllowOrigin(r) {
		return nil
	}
	return refuse(http.StatusForbidden, "origin not allowed")
}

// SameOrigin reports whether no foreign web page can have made r and read the answer, as
// net/http.CrossOriginProtection judges: the browser says same-origin or none in Sec-Fetch-Site,
// whatever a proxy has made of Host; or there is no Origin, for then a browser lets no foreign page
// read; or, where the browser says nothing, the Origin names the host and port that r was sent to,
// and over TLS https. "null" is never one's own, and of a header that comes twice each value must
// be.
func SameOrigin(r *http.Request) bool {
	sites, origins := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	if len(sites) > 0 && !slices.ContainsFunc(sites, func(s string) bool { return s != "same-origin" && s != "none" }) {
		return true
	}
	return len(origins) == 0 || len(sites) == 0 && len(origins) == 1 && ownOrigin(r, origins[0])
}

// ownOrigin reports whether origin is the host and port that r was sent to. Whether a request
// without TLS came through a proxy that had it cannot be known; then the origin's scheme is taken
// for the request's.
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
	return strings.EqualFold(ours.Hostname(), theirs.Hostname()) &&
		withDefault(ours.Port(), port) == withDefault(theirs.Port(), port)
}

func withDefault(port, def string) string {
	if port == "" {
		return def
	}
	return port
}

// checkAccept refuses requests whose Accept header excludes text/event-stream (RFC 9110, section
// 12.5.1): the most specific range that matches decides, and a header that is missing or empty
// excludes nothing.
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

// weighed reports whether a range's weight is above 0; one that is missing or malformed is taken
// for 1.
func weighed(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		value = strings.TrimSpace(value)
		q, err := strconv.ParseFloat(value, 64)
		return err != nil || strings.Trim(value, "0123456789.") != "" || q != 0
	}
	return true
}

func (h *Handler) sessionID(r *http.Request) (string, error) {
	var id string
	if h.SessionID != nil {
		id = h.SessionID(r)
	} else if id = last(r.Header["Mcp-Session-Id"]); id == "" {
		id = last(r.URL.Query()["session"])
	}
	if id == "" {
		return "", refuse(http.StatusBadRequest, "session ID missing")
	}
	return id, nil
}

func (h *Handler) position(r *http.Request) (at Position, err error) {
	if h.Position != nil {
		at = h.Position(r)
	} else if at, err = defaultPosition(r); err != nil {
		return at, err
	}
	if !validEventID(at.LastEventID) {
		return at, refuse(http.StatusBadRequest, "malformed Last-Event-ID")
	}
	return at, nil
}

// defaultPosition prefers what a client knows by itself to what its page was loaded with: after a
// reconnect the page's is older.
func defaultPosition(r *http.Request) (Position, error) {
	at := Position{All: true, LastEventID: last(r.Header["Last-Event-Id"])}
	if at.LastEventID != "" {
		return at, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // an ID that was lost here would become a full replay
		return at, refuse(http.StatusBadRequest, "malformed query")
	}
	if at.LastEventID = last(query["lastEventId"]); at.LastEventID == "" {
		at.LastEventID = last(query["last_event_id"])
	}
	return at, nil
}

// last is what a header or parameter that may come several times counts as.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// validEventID reports whether id can be an event's in some session. One that is too long for this
// one, or not plain enough for it, is unknown there.
func validEventID(id string) bool {
	return len(id) <= ring.MaxMaxIDBytes && utf8.ValidString(id) && !strings.ContainsAny(id, "\x00\r\n")
}
