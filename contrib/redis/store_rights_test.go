package redis

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// SERVERS.md names what an ACL must allow. It is enough for everything a Store does, beside what
// the client wants for itself.
func TestRightsOfTheDocumentationSuffice(t *testing.T) {
	servers, err := os.ReadFile("SERVERS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(servers), "Rights: the commands `")
	commands, _, found := strings.Cut(rest, "`")
	if !found {
		t.Fatal("SERVERS.md does not name the rights")
	}
	addr := startServer(t)
	rule := []string{
		"ACL", "SETUSER", "app", "on", ">secret",
		"~{reprise.*", "~{reprise}*", "&{reprise.*", "-@all", "+hello", "+auth", "+client", "+ping",
	}
	for name := range strings.FieldsSeq(commands) {
		rule = append(rule, "+"+name)
	}
	admin := newStore(t, dial(t, addr), Config{})
	call(t, admin, rule...)
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{addr}, Username: "app", Password: "secret", DisableCache: true, ForceSingleClient: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	useEverything(t, newStore(t, client, Config{
		Prefix: "reprise", MaxSessions: 1, MaxPerPrincipal: 1, MaxAttached: 1, Lease: time.Second,
		Ring: ring.Config{MaxEvents: 2},
	}))
}

func useEverything(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	for range 2 {
		mustCreate(t, s, "s", shard.Metadata{Principal: "me"})
		_, err := s.Create(ctx, "other", shard.Metadata{})
		wantErr(t, "Create", err, shard.ErrSessionLimit)
		wantErr(t, "Update", s.Update(ctx, "s", func(md *shard.Metadata) { md.Transport = "x" }), nil)
		wantErr(t, "Authorize", s.Authorize(ctx, "s", "me"), nil)
		r := mustRead(t, s, "s", replay.Position{})
		var e ring.Event
		for _, id := range []string{"1", "", "2", "4", "5", "6", "7", "8", "3"} {
			mustStore(t, s, "s", ring.Event{ID: id})
			for !r.Next(&e) {
				if err := r.Wait(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, err = s.Append(ctx, "s", ring.Event{ID: "3"})
		wantErr(t, "Append", err, ring.ErrDuplicateID)
		time.Sleep(s.cfg.Lease / 2) // a renewal
		r.Close()
		mustRead(t, s, "s", replay.Position{LastEventID: "3"}).Close()
		mustRead(t, s, "s", replay.Position{Live: true}).Close()
		wantErr(t, "Finish", s.Finish(ctx, "s"), nil)
		wantErr(t, "Terminate", s.Terminate(ctx, "s"), nil)
		call(t, s, "DEL", s.buckets.keys("s")[0]) // as after Linger
	}
}
