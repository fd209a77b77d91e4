package fuzz_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A verdict is the answers that the documentation allows to a request: mostly one; several where
// the request breaks a grammar so that whoever reads it may take it one way or the other.
type verdict struct {
	statuses []int
	decided  bool
}

// add has the status answer the request for certain, perhaps, or not at all, if nothing has decided
// before.
func (v *verdict) add(status int, applies answer) {
	if !v.decided && applies != no {
		v.statuses = append(v.statuses, status)
		v.decided = applies == yes
	}
}

type answer int

const (
	no answer = iota
	perhaps
	yes
)

func when(b bool) answer {
	if b {
		return yes
	}
	return no
}

var hostPort = regexp.MustCompile(`^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?$`)

// foreign tells whether the origins are other than the request's own host and port.
func foreign(origins []string, host string, tls bool) answer {
	if len(origins) != 1 {
		return when(len(origins) > 1)
	}
	origin, host := strings.ToLower(origins[0]), strings.ToLower(host)
	scheme, rest, _ := strings.Cut(origin, "://")
	port, known := map[string]string{"http": "80", "https": "443"}[scheme]
	theirs, ours := hostPort.FindStringSubmatch(rest), hostPort.FindStringSubmatch(host)
	switch {
	case !known || scheme == "http" && tls:
		return yes
	case theirs == nil || ours == nil:
		name, _, _ := strings.Cut(host, ":")
		if strings.Contains(rest, name) {
			return perhaps
		}
		return yes
	}
	return when(theirs[1] != ours[1] || orElse(theirs[2], port) != orElse(ours[2], port))
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

var (
	mediaRange = regexp.MustCompile(
		`^[ \t]*([!#$%&'*+.^_|~0-9a-z` + "`" + `-]+/[!#$%&'*+.^_|~0-9a-z` + "`" + `-]+)[ \t]*(?:;[ \t]*q=([0-9.]+)[ \t]*)?$`,
	)
	weight = regexp.MustCompile(`^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$`)
	zero   = regexp.MustCompile(`^0(\.0*)?$`)
)

// excludesEventStream tells whether an Accept header excludes text/event-stream: the most specific
// range that matches has the weight 0, or none matches at all (RFC 9110, section 12.5.1).
func excludesEventStream(lines []string) answer {
	weights := map[string][]string{}
	anything := false
	for _, item := range strings.Split(strings.ToLower(strings.Join(lines, ",")), ",") {
		if strings.Trim(item, " \t") == "" {
			continue
		}
		m := mediaRange.FindStringSubmatch(item)
		if m == nil || m[2] != "" && !weight.MatchString(m[2]) {
			return perhaps
		}
		anything = true
		weights[m[1]] = append(weights[m[1]], orElse(m[2], "1"))
	}
	for _, media := range []string{"text/event-stream", "text/*", "*/*"} {
		if q := weights[media]; len(q) > 0 {
			refused := zero.MatchString(q[0])
			if slices.ContainsFunc(q, func(w string) bool { return zero.MatchString(w) != refused }) {
				return perhaps
			}
			return when(refused)
		}
	}
	return when(anything)
}

// named returns what the header says, else the query's parameter, and whether the latter may have
// been lost to a malformed query. Each counts as its last.
func named(r *http.Request, header string, parameters ...string) (value string, lost bool) {
	if all := r.Header[header]; len(all) > 0 && all[len(all)-1] != "" {
		return all[len(all)-1], false
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	for _, name := range parameters {
		if all := query[name]; len(all) > 0 && all[len(all)-1] != "" {
			return all[len(all)-1], err != nil
		}
	}
	return "", err != nil
}

// lastEventID is named for the event ID that a request names.
func lastEventID(r *http.Request) (value string, lost bool) {
	return named(r, "Last-Event-Id", "lastEventId", "last_event_id")
}

func malformedEventID(id string) bool {
	return len(id) > 1024 || !utf8.ValidString(id) || strings.ContainsAny(id, "\x00\r\n")
}
