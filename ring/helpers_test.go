package ring

import (
	"errors"
	"testing"
)

func newRing(t testing.TB, cfg Config) *Ring {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustAppend(t testing.TB, r *Ring, e Event) Event {
	t.Helper()
	got, err := r.Append(e)
	if err != nil {
		t.Fatalf("Append(%.40q): %v", e.ID, err)
	}
	return got
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

// data returns the payloads that a cursor yields, as text.
func data(t testing.TB, c Cursor) (all []string) {
	t.Helper()
	var e Event
	for c.Next(&e) {
		all = append(all, string(e.Data))
	}
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func mustSeek(t testing.TB, r *Ring, id string) Cursor {
	t.Helper()
	c, err := r.Seek(id)
	if err != nil {
		t.Fatalf("Seek(%q): %v", id, err)
	}
	return c
}

// seekSeq returns the sequence that Seek finds.
func seekSeq(t testing.TB, r *Ring, id string) uint64 {
	t.Helper()
	c := mustSeek(t, r, id)
	return c.Seq()
}
