package durablestreams_test

import (
	"net/http"
	"testing"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/shard"
)

func TestPagesOfAllowedOriginsMayReadTheHeaders(t *testing.T) {
	w := newWorld(t, shard.Config{})
	c := w.serve(&durablestreams.Handler{AllowOrigin: func(_ *http.Request, origin string) bool {
		return origin == "https://friend.example"
	}})
	origins := map[string]bool{"": false, "https://friend.example": true, "https://foe.example": false}
	for origin, allowed := range origins {
		for _, method := range []string{"OPTIONS", "PUT", "POST", "GET", "HEAD"} {
			var headers []string
			if origin != "" {
				headers = []string{"Origin", origin}
			}
			body := ""
			if method == "POST" {
				body = "x"
			}
			h := c.do(method, "/s", body, headers...).Header
			want := ""
			if allowed {
				want = origin
			}
			if h.Get("Access-Control-Allow-Origin") != want || h.Get("Vary") != "Origin" ||
				(h.Get("Access-Control-Expose-Headers") != "") != allowed ||
				(h.Get("Access-Control-Allow-Headers") != "") != (allowed && method == "OPTIONS") {
				t.Errorf("%s from %q: %v", method, origin, h)
			}
		}
	}
}
