package shard

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/reprise-go/reprise/ring"
)

// FuzzLoad wants of any input a Manager or a LoadError, no panic, and no more memory than the input
// and Config account for. With sealed set, data is taken for frames (kind, two bytes of length,
// payload), which get the header and checksums that are right: so it comes to what they hold.
func FuzzLoad(f *testing.F) {
	snapshot := seedSnapshot(f)
	f.Add(snapshot, false)
	f.Add(snapshot[:len(snapshot)/2], false)
	f.Add(unseal(snapshot), true)
	f.Add([]byte{'Z', 1, 0, 0}, true)
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		if sealed {
			data = seal(data)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := Load(t.Context(), bytes.NewReader(data), Config{
			Shards: 1, MaxSessions: 8, MaxBytes: 1 << 20, Ring: ring.Config{MaxEvents: 16},
		})
		runtime.ReadMemStats(&after)
		if used, most := after.TotalAlloc-before.TotalAlloc, uint64(4<<20+200*len(data)); used > most {
			t.Errorf("%d bytes of input took %d bytes of memory", len(data), used)
		}
		var at *LoadError
		if err != nil && (m != nil || !errors.As(err, &at) || at.Offset < 0 || at.Offset > int64(len(data))) {
			t.Fatalf("%v, %v", m, err)
		}
		if m == nil {
			return
		}
		defer m.Close()
		checkLoaded(t, m)
	})
}

// checkLoaded wants every session to be in order, and the whole to be one that can be saved and
// loaded.
func checkLoaded(t *testing.T, m *Manager) {
	var again bytes.Buffer
	if err := m.Save(t.Context(), &again); err != nil {
		t.Fatalf("what was loaded cannot be saved: %v", err)
	}
	for s := range m.Sessions() {
		last := s.Info().Log.First
		c, _ := s.Seek("")
		for e := (ring.Event{}); c.Next(&e); last++ {
			if after, err := s.Seek(e.ID); e.Seq != last || err != nil || after.Seq() != e.Seq {
				t.Errorf("event %d, want %d, is found after %d: %v", e.Seq, last, after.Seq(), err)
			}
		}
		s.Append(ring.Event{})
		s.Claim("key")
	}
	copied, err := Load(t.Context(), &again, m.Config())
	if err != nil {
		t.Fatalf("what was saved cannot be loaded: %v", err)
	}
	copied.Close()
}

func seedSnapshot(f *testing.F) []byte {
	m, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	defer m.Close()
	s, err := m.CreateWith(Options{ID: "a", TTL: 1 << 40, Ring: ring.Config{MaxEvents: 3}, Metadata: Metadata{
		Transport: "sse", Principal: "me", ClientInfo: map[string]any{"a": []any{1}},
	}})
	if err != nil {
		f.Fatal(err)
	}
	for n := range 5 {
		s.Append(ring.Event{Stream: "s", Type: "t", Data: []byte("data")})
		s.Claim(string(rune('a' + n)))
	}
	s.Append(ring.Event{ID: s.log.Tag() + "-8"})
	done, _ := m.CreateWithID("b", Metadata{})
	done.Append(ring.Event{})
	done.Finish()
	var b bytes.Buffer
	if err := m.Save(f.Context(), &b); err != nil {
		f.Fatal(err)
	}
	return b.Bytes()
}

// unseal leaves of a snapshot what seal does not add.
func unseal(snapshot []byte) (data []byte) {
	r, err := newFrameReader(bytes.NewReader(snapshot))
	for err == nil {
		if err = r.frame(); err == nil {
			data = append(data, r.kind, byte(len(r.rest)), byte(len(r.rest)>>8))
			data = append(data, r.rest...)
		}
	}
	return data
}

func seal(data []byte) []byte {
	var b bytes.Buffer
	w, err := newFrameWriter(io.Writer(&b))
	for err == nil && len(data) >= 3 {
		n := min(int(data[1])|int(data[2])<<8, len(data)-3)
		w.begin(data[0])
		w.payload = append(w.payload, data[3:3+n]...)
		data = data[3+n:]
		err = w.end()
	}
	return b.Bytes()
}

func TestSealingUndoesUnsealing(t *testing.T) {
	m, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.CreateWithID("a", Metadata{})
	var b bytes.Buffer
	if err := m.Save(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(seal(unseal(b.Bytes())), b.Bytes()) {
		t.Error("the fuzz target does not know the format")
	}
}
