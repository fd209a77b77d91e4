package main

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// deeds are what was done to a manager, as its Stats should tell it.
type deeds struct{ created, terminated, appended, duplicates, retained, attached int }

const deedRetain = 8 // events

// miscounted has four goroutines do all kinds of things, and returns the counters that are wrong
// afterwards.
func miscounted() (wrong []string) {
	m := must(shard.New(shard.Config{MaxSessions: -1, Linger: -1, Ring: ring.Config{MaxEvents: deedRetain}}))
	defer m.Close()
	var done [4]deeds
	var wg sync.WaitGroup
	for g := range done {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 9))
			for range 1000 {
				done[g].do(m, r)
			}
		})
	}
	wg.Wait()
	sum := done[0]
	for _, d := range done[1:] {
		sum.add(d)
	}
	st := m.Stats()
	for name, pair := range map[string][2]int{
		"Created": {int(st.Created), sum.created}, "Terminated": {int(st.Terminated), sum.terminated},
		"Appended": {int(st.Appended), sum.appended}, "Duplicates": {int(st.Duplicates), sum.duplicates},
		"Events": {int(st.Events), sum.retained}, "Attached": {st.Attached, sum.attached},
		"Active": {st.Active, sum.created - sum.terminated}, "Total": {st.Total, sum.created - sum.terminated},
	} {
		if pair[0] != pair[1] {
			wrong = append(wrong, name)
		}
	}
	return wrong
}

// do creates a session with up to twenty events, the last of them twice, and terminates it or
// attaches to it.
func (d *deeds) do(m *shard.Manager, r *rand.Rand) {
	s := must(m.Create(shard.Metadata{}))
	d.created++
	n := r.IntN(20)
	for i := range n {
		must(s.Append(ring.Event{ID: fmt.Sprint(i)}))
	}
	d.appended += n
	if n > 0 {
		if _, err := s.Append(ring.Event{ID: fmt.Sprint(n - 1)}); err != nil {
			d.duplicates++
		}
	}
	if r.IntN(2) == 0 {
		s.Terminate()
		d.terminated++
		return
	}
	must(s.Attach())
	d.attached++
	d.retained += min(n, deedRetain)
}

func (d *deeds) add(o deeds) {
	d.created += o.created
	d.terminated += o.terminated
	d.appended += o.appended
	d.duplicates += o.duplicates
	d.retained += o.retained
	d.attached += o.attached
}
