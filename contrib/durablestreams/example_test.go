package durablestreams_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func Example() {
	m, err := shard.New(shard.Config{TTL: -1, Linger: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	mux := http.NewServeMux()
	mux.Handle("/streams/", &durablestreams.Handler{Store: replay.Local(m)})
	server := httptest.NewServer(mux)
	defer server.Close()

	url := server.URL + "/streams/greeting"
	put, _ := http.NewRequest(http.MethodPut, url, nil)
	put.Header.Set("Content-Type", "application/json")
	created, err := http.DefaultClient.Do(put)
	if err != nil {
		log.Fatal(err)
	}
	created.Body.Close()
	posted, err := http.Post(url, "application/json", strings.NewReader(`[{"word":"hello"},{"word":"world"}]`))
	if err != nil {
		log.Fatal(err)
	}
	posted.Body.Close()
	read, err := http.Get(url + "?offset=-1")
	if err != nil {
		log.Fatal(err)
	}
	defer read.Body.Close()
	body, _ := io.ReadAll(read.Body)
	fmt.Println(created.StatusCode, posted.StatusCode, string(body))
	http.DefaultClient.CloseIdleConnections()
	// Output: 201 204 [{"word":"hello"},{"word":"world"}]
}
