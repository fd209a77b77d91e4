package inspector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/inspector"
	"github.com/reprise-go/reprise/shard"
)

// The pages show every session: it belongs behind the application's own authentication.
func ExampleHandler() {
	sessions, err := shard.New(shard.Config{})
	if err != nil {
		panic(err)
	}
	defer sessions.Close()
	events := &replay.Handler{Store: replay.Local(sessions)}
	inspect := &inspector.Handler{Manager: sessions, Handlers: []*replay.Handler{events}}
	defer inspect.Close()

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
	mux.Handle("/inspector/", admins(inspect))

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
