package ring

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// crowdedIDs are IDs in pairs and more that have the same hash tag in a ring of crowdedRing: the
// index cannot tell them apart.
var crowdedIDs = sync.OnceValue(func() (ids []string) {
	r := crowdedRing(Config{})
	byTag := map[uint32][]string{}
	for n := range 60_000 {
		id := fmt.Sprint("id", n)
		tag := r.hash(id)
		byTag[tag] = append(byTag[tag], id)
	}
	for n := range 60_000 { // in a fixed order
		if same := byTag[r.hash(fmt.Sprint("id", n))]; len(same) > 1 && same[0] == fmt.Sprint("id", n) &&
			len(ids) < 128 {
			ids = append(ids, same...)
		}
	}
	return ids
})

// crowdedRing makes a ring whose hash is the same in every run.
func crowdedRing(cfg Config) *Ring {
	g, err := newGroup(cfg, shared{})
	if err != nil {
		panic(err)
	}
	g.seed = 1
	r := g.New()
	r.tag = [tagLen]byte{'t', 'a', 'g', 't', 'a', 'g', 't', 'a', 'g', 't', 'a', 'g'}
	return r
}

// shrinkIndex gives the ring an index of that many buckets, as crowded as it gets. Nobody else may
// use the ring meanwhile.
func shrinkIndex(r *Ring, buckets int) {
	v := r.look()
	if v.dir.index == nil {
		return
	}
	small := largerIndex{to: newIndex(buckets)}
	small.add(r, &v, v.first)
	r.dir.Store(&directory{entries: v.dir.entries, index: small.to})
}

// FuzzIndexCollisions appends IDs of which many share a hash tag, with an index that is far too
// small again and again. Which IDs are retained, and where, is what a map says.
func FuzzIndexCollisions(f *testing.F) {
	for size := range 4 {
		for buckets := range 4 {
			seed := []byte{byte(size)}
			for n := range 200 {
				seed = append(seed, byte(n*n+n/3), byte(n*7))
				if n%11 == 5 {
					seed = append(seed, 240+byte(n%10), byte(n*13))
				}
				if n%50 == 20 {
					seed = append(seed, 255, byte(buckets))
				}
			}
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 {
			return
		}
		retain := uint64([]int{5, 12, 40, 100}[input[0]%4])
		c := collisions{t, crowdedRing(Config{MaxEvents: int(retain)}), crowdedIDs(), retain, map[string]uint64{}}
		for input = input[1:]; len(input) > 1; input = input[2:] {
			op, arg := input[0], int(input[1])
			switch {
			case op == 255:
				shrinkIndex(c.ring, 1<<(arg%4))
			case op >= 250:
				c.append("")
			case op >= 240:
				c.appendAll(arg, int(op-240))
			case op >= 128:
				c.append(c.ids[arg%len(c.ids)])
			default:
				c.append(fmt.Sprint("other", arg))
			}
		}
		for _, id := range c.ids {
			c.seek(id)
		}
		for id := range c.at {
			c.seek(id)
		}
	})
}

// collisions compares a ring with a map from every ID to the sequence that had it last.
type collisions struct {
	*testing.T
	ring   *Ring
	ids    []string
	retain uint64
	at     map[string]uint64
}

// retained returns the sequence of the ID, 0 when it is not retained.
func (c *collisions) retained(id string) uint64 {
	if seq := c.at[id]; seq+c.retain > c.ring.Stats().Last {
		return seq
	}
	return 0
}

func (c *collisions) append(id string) {
	c.Helper()
	next, held := c.ring.Stats().Last+1, c.retained(id)
	e, err := c.ring.Append(Event{ID: id})
	switch {
	case held > 0 && id != "":
		if !errors.Is(err, ErrDuplicateID) || e.Seq != held {
			c.Fatalf("Append(%q) is %d, %v; %d has it", id, e.Seq, err, held)
		}
	case err != nil || e.Seq != next:
		c.Fatalf("Append(%q) is %d, %v; want %d", id, e.Seq, err, next)
	default:
		c.at[e.ID] = e.Seq
	}
}

// appendAll appends up to five of the crowded IDs at once; step 0 makes them all the same one.
func (c *collisions) appendAll(from, step int) {
	c.Helper()
	next, held, twice := c.ring.Stats().Last+1, uint64(0), false
	es, seen := make([]Event, 1+from%5), map[string]bool{}
	for i := range es {
		es[i].ID = c.ids[(from+i*step)%len(c.ids)]
		twice = twice || seen[es[i].ID]
		seen[es[i].ID] = true
		if held == 0 {
			held = c.retained(es[i].ID)
		}
	}
	got, err := c.ring.AppendAll(nil, es)
	switch {
	case twice:
		if !errors.Is(err, ErrDuplicateID) || len(got) > 0 {
			c.Fatalf("a batch with an ID twice is %v, %v", got, err)
		}
	case held > 0:
		if !errors.Is(err, ErrDuplicateID) || len(got) != 1 || got[0].Seq != held {
			c.Fatalf("a batch is %v, %v; %d has one of its IDs", got, err, held)
		}
	case err != nil || len(got) != len(es) || got[0].Seq != next:
		c.Fatalf("a batch is %v, %v; want sequences from %d on", got, err, next)
	default:
		for i, e := range got {
			if e.ID != es[i].ID || e.Seq != next+uint64(i) {
				c.Fatalf("event %d of a batch is %d, %q", i, e.Seq, e.ID)
			}
			c.at[e.ID] = e.Seq
		}
	}
}

func (c *collisions) seek(id string) {
	c.Helper()
	got, err := c.ring.Seek(id)
	if want := c.retained(id); got.seq != want || (err == nil) != (want > 0) {
		c.Fatalf("Seek(%q) is %d, %v; want %d", id, got.seq, err, want)
	}
}

func TestCrowdedIDsShareTheirTagsAndAShrunkIndexLosesSome(t *testing.T) {
	r := crowdedRing(Config{MaxEvents: 40})
	tags := map[uint32]bool{}
	for _, id := range crowdedIDs() {
		tags[r.hash(id)] = true
		mustAppend(t, r, Event{ID: id})
	}
	if n := len(crowdedIDs()); n < 100 || len(tags) > n/2 {
		t.Errorf("%d IDs have %d tags", n, len(tags))
	}
	if shrinkIndex(r, 1); r.dir.Load().index.lost().Load() == 0 {
		t.Error("an index of eight entries holds forty IDs")
	}
}
