package redis_test

import (
	"context"
	"log"
	"net/http"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Every replica runs this: whichever a client reaches, it resumes there.
func ExampleNew() {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"10.0.0.1:6379"}, DisableCache: true})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	store, err := redis.New(client, redis.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	http.Handle("/events", &replay.Handler{Store: store})
	http.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		id, err := store.Create(r.Context(), "", shard.Metadata{})
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		go func() {
			store.Append(context.Background(), id, ring.Event{Data: []byte("hello")})
			store.Finish(context.Background(), id)
		}()
		w.Write([]byte(id))
	})
	log.Println(http.ListenAndServe(":8080", nil))
}
