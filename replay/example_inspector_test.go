package replay_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// The Inspector shows every session: it belongs behind the application's own authentication.
func ExampleInspector() {
	sessions, err := shard.New(shard.Config{})
	if err != nil {
		panic(err)
	}
	defer sessions.Close()
	events := &replay.Handler{Store: replay.Local(sessions)}
	inspector := &replay.Inspector{Manager: sessions, Handlers: []*replay.Handler{events}}
	defer inspector.Close()

	admins := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, password, _ := r.BasicAuth(); password != "of the admins" {
				w.Header().Set("WWW-Authenticate", "Basic")
				http.Error(w, "for admins", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("/events", events)
	mux.Handle("/inspector/", admins(inspector))

	r := httptest.NewRequest("GET", "/inspector/", nil)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code)
	r.SetBasicAuth("me", "of the admins")
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// 401
	// 200
}
