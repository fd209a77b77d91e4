package gosdk

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost is the SDK's protection against rebound names, before anything else looks at the
// session: a page whose name was rebound to a loopback address must not learn whether a session
// exists, nor keep it alive. It returns false when it has refused the request, in the SDK's own
// words.
func checkHost(w http.ResponseWriter, r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil || !isLoopback(local.String()) || isLoopback(r.Host) {
		return true
	}
	http.Error(w, fmt.Sprintf("Forbidden: invalid Host header %q", r.Host), http.StatusForbidden)
	return false
}

// isLoopback reports whether addr, with a port or without, is a loopback address or "localhost". It
// is the SDK's notion of it.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = strings.Trim(addr, "[]")
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
