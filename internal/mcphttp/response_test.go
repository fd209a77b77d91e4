package mcphttp

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/sse"
)

// serve has an SDK, sdk, answer a GET after event 7, with a retry time of 250 ms.
func serve(t *testing.T, answer func(http.ResponseWriter, int) bool, sdk func(*Response)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set(ProtocolVersion, Primed)
	r.Header.Set(LastEventID, "7")
	var set sse.Set
	w := httptest.NewRecorder()
	out := sse.NewWriter(&set, w, r, time.Minute, func() {})
	if !set.Enter(out) {
		t.Fatal("the set is closed")
	}
	defer set.Leave(out)
	response := NewResponse(w, r, out, 250*time.Millisecond, -1)
	response.Answer = answer
	sdk(response)
	response.Finish()
	return w
}

func stream(w *Response) { w.Header().Set("Content-Type", "text/event-stream") }

const beginning = "retry: 250\nevent: prime\nid: 7\ndata: \n\n"

// The beginning comes once, before all else, and as early as the header: a client may be cut off
// before the first event.
func TestAStreamHasItsBeginningHoweverItIsServed(t *testing.T) {
	for name, c := range map[string]struct {
		sdk  func(*Response)
		want string
	}{
		"an event": {func(w *Response) { stream(w); w.Write([]byte("data: 1\n\n")) }, beginning + "data: 1\n\n"},
		"a flushed header": {func(w *Response) {
			stream(w)
			w.WriteHeader(http.StatusOK)
			w.Flush()
			if got := w.Unwrap().(*httptest.ResponseRecorder).Body.String(); got != beginning {
				t.Errorf("with the header comes %q", got)
			}
			w.Write([]byte("data: 1\n\n"))
			w.Flush()
		}, beginning + "data: 1\n\n"},
		"nothing": {stream, beginning},
	} {
		w := serve(t, nil, c.sdk)
		if got := w.Body.String(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if h := w.Header(); h.Get("X-Accel-Buffering") != "no" || h.Get("Cache-Control") != "no-cache, no-transform" {
			t.Errorf("%s: %v", name, h)
		}
	}
}

func TestWhatIsNoStreamPassesAsItIs(t *testing.T) {
	w := serve(t, nil, func(w *Response) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		w.Write([]byte("{}"))
		if err := w.FlushError(); err != nil || w.IsStream() {
			t.Errorf("stream %v, error %v", w.IsStream(), err)
		}
	})
	if w.Code != http.StatusAccepted || w.Body.String() != "{}" || w.Header().Get("X-Accel-Buffering") != "" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
}

func TestAnAnswerOfOnesOwnTakesTheSDKsPlace(t *testing.T) {
	w := serve(t, func(w http.ResponseWriter, status int) bool {
		http.Error(w, "gone", http.StatusGone)
		return status == http.StatusBadRequest
	}, func(w *Response) {
		w.WriteHeader(http.StatusBadRequest)
		if n, err := w.Write([]byte("bad request")); n != 11 || err != nil {
			t.Errorf("%d bytes, error %v", n, err)
		}
		if err := w.FlushError(); err != nil {
			t.Error(err)
		}
	})
	if w.Code != http.StatusGone || w.Body.String() != "gone\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// broken is a connection on which nothing can be written.
type broken struct{ *httptest.ResponseRecorder }

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestABrokenConnectionIsToldToTheSDK(t *testing.T) {
	var set sse.Set
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for name, use := range map[string]func(*Response) error{
		"Write": func(w *Response) error { _, err := w.Write([]byte("x")); return err },
		"Flush": (*Response).FlushError,
	} {
		w := broken{httptest.NewRecorder()}
		response := NewResponse(w, r, sse.NewWriter(&set, w, r, time.Minute, func() {}), time.Second, -1)
		stream(response)
		if err := use(response); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
		response.Finish()
	}
}
