package durablestreams

import (
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// A config is what a stream was created with (section 5.1). It stands in the session's metadata and
// never changes.
type config struct {
	contentType string
	ttl         string // Stream-TTL as it was sent; "" without
	expiresAt   string // Stream-Expires-At as it was sent; "" without
	forkedFrom  string // the source's session; "" for a stream that is no fork
	forkOffset  string
	forkSub     string
	incarnation string // tells streams apart that have had the same URL
	marked      bool   // the stream exists once its log has a record: see state
}

// The keys of a config in shard.Metadata.ClientInfo.
const (
	keyType        = "contentType"
	keyTTL         = "ttl"
	keyExpiresAt   = "expiresAt"
	keyForkedFrom  = "forkedFrom"
	keyForkOffset  = "forkOffset"
	keyForkSub     = "forkSubOffset"
	keyIncarnation = "incarnation"
	keyMarked      = "marked"
)

const transport = "durable-streams"

func (c config) metadata(principal string) shard.Metadata {
	info := map[string]any{keyType: c.contentType, keyIncarnation: c.incarnation}
	for key, value := range map[string]string{
		keyTTL: c.ttl, keyExpiresAt: c.expiresAt,
		keyForkedFrom: c.forkedFrom, keyForkOffset: c.forkOffset, keyForkSub: c.forkSub,
	} {
		if value != "" {
			info[key] = value
		}
	}
	if c.marked {
		info[keyMarked] = "true"
	}
	return shard.Metadata{Transport: transport, Principal: principal, ClientInfo: info}
}

// incarnationOf is "" for a session that is no stream of ours.
func incarnationOf(md shard.Metadata) string {
	if md.Transport != transport {
		return ""
	}
	s, _ := md.ClientInfo[keyIncarnation].(string)
	return s
}

// configOf reads what metadata has written.
func configOf(md shard.Metadata) config {
	text := func(key string) string {
		s, _ := md.ClientInfo[key].(string)
		return s
	}
	return config{
		contentType: text(keyType), ttl: text(keyTTL), expiresAt: text(keyExpiresAt),
		forkedFrom: text(keyForkedFrom), forkOffset: text(keyForkOffset), forkSub: text(keyForkSub),
		incarnation: incarnationOf(md), marked: text(keyMarked) != "",
	}
}

// matches reports whether a request for d may be answered with the stream that c has made.
func (c config) matches(d config) bool {
	return mediaType(c.contentType) == mediaType(d.contentType) && c.ttl == d.ttl &&
		sameTime(c.expiresAt, d.expiresAt) &&
		c.forkedFrom == d.forkedFrom && c.forkOffset == d.forkOffset &&
		orElse(c.forkSub, "0") == orElse(d.forkSub, "0")
}

func sameTime(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := time.Parse(time.RFC3339Nano, a)
	y, errY := time.Parse(time.RFC3339Nano, b)
	return errX == nil && errY == nil && x.Equal(y)
}

// isOver reports whether the stream's absolute expiry has come.
func (c config) isOver(now time.Time) bool {
	if c.expiresAt == "" {
		return false
	}
	at, err := time.Parse(time.RFC3339Nano, c.expiresAt)
	return err == nil && !now.Before(at)
}

// lifetime is the TTL of the session. The session of a stream with an absolute expiry is removed
// when that comes, or when it has been idle for as long as the stream had to live when it was
// created.
func (c config) lifetime(now time.Time, otherwise time.Duration) time.Duration {
	if at, err := time.Parse(time.RFC3339Nano, c.expiresAt); err == nil {
		return max(at.Sub(now), time.Nanosecond)
	}
	if c.ttl != "" {
		seconds, err := strconv.ParseInt(c.ttl, 10, 64)
		if err != nil || seconds > int64(maxTTL/time.Second) {
			return -1
		}
		return max(time.Duration(seconds)*time.Second, time.Nanosecond)
	}
	if otherwise > 0 {
		return otherwise
	}
	return -1
}

const maxTTL = 1 << 60 * time.Nanosecond

// isJSON reports whether the stream is in JSON mode (section 9.1).
func (c config) isJSON() bool { return mediaType(c.contentType) == "application/json" }

// isText reports whether server-sent events carry the data as it is, and not in base64.
func (c config) isText() bool {
	return c.isJSON() || strings.HasPrefix(mediaType(c.contentType), "text/")
}

// mediaType is a content type without parameters, in lower case.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

var errContentType = errors.New("malformed Content-Type")

func checkContentType(contentType string) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !strings.Contains(media, "/") {
		return errContentType
	}
	return nil
}

// lifetimeHeaders reads Stream-TTL and Stream-Expires-At.
func lifetimeHeaders(header http.Header) (ttl, expiresAt string, err error) {
	ttl, expiresAt = header.Get("Stream-TTL"), header.Get("Stream-Expires-At")
	_, hasTTL := header["Stream-Ttl"]
	_, hasExpiry := header["Stream-Expires-At"]
	switch {
	case hasTTL && hasExpiry:
		return "", "", refuse(http.StatusBadRequest, "Stream-TTL and Stream-Expires-At exclude each other")
	case hasTTL && !isCanonical(ttl):
		return "", "", refuse(http.StatusBadRequest, "Stream-TTL is not a non-negative integer in plain decimal")
	}
	if hasExpiry {
		if _, err := time.Parse(time.RFC3339Nano, expiresAt); err != nil {
			return "", "", refuse(http.StatusBadRequest, "Stream-Expires-At is not an RFC 3339 time")
		}
	}
	return ttl, expiresAt, nil
}

// isCanonical reports whether s is a non-negative decimal integer without a leading zero.
func isCanonical(s string) bool {
	if s == "" || len(s) > 18 || s[0] == '0' && s != "0" {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isTrue reports whether a header says true; anything else is as if it were absent (section 4.1).
func isTrue(header http.Header, name string) bool {
	values := header[name]
	return len(values) > 0 && strings.EqualFold(values[0], "true")
}

func newIncarnation() string {
	var b [9]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x", b)
}
