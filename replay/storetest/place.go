package storetest

import (
	"fmt"
	"math/rand/v2"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// placing are the cases about readers that name the place where they stand: replay.Positioner.
func placing() []test {
	tests := []test{
		{name: "names a place in a session without events, from which everything follows", run: placesTheBeginning},
		{name: "names the place behind the last event that was read, and every stream follows", run: placesWhatWasRead},
		{name: "names the place where a live reader began", run: placesLive},
		{name: "refuses a place of which something has been dropped, and no other", run: refusesDroppedPlaces},
		{name: "refuses a place of another session", run: refusesForeignPlaces},
		{name: "resumes at places without gap or duplicate, whatever was read before", run: resumesAtPlaces},
	}
	for i, c := range tests {
		tests[i].run = func(k *kit) {
			k.start(Config{})
			k.create("probe")
			if _, ok := k.open("probe", replay.Position{}).(replay.Positioner); !ok {
				k.Skip("the Store's readers are no replay.Positioner")
			}
			c.run(k)
		}
	}
	return tests
}

// place is where a reader says that it stands.
func (k *kit) place(r replay.Reader) string {
	k.Helper()
	id := r.(replay.Positioner).PositionID()
	if id == "" || len(id) > ring.MaxIDBytes {
		k.Fatalf("a place has the ID %q", id)
	}
	return id
}

func placesTheBeginning(k *kit) {
	k.start(Config{})
	k.create("s")
	place := k.place(k.open("s", replay.Position{}))
	early := k.open("s", replay.Position{LastEventID: place})
	k.add("s", "a:1", "2")
	k.expect(early, "1", "2")
	k.expect(k.open("s", replay.Position{LastEventID: place}), "1", "2")
	k.equal("the place where a reader of two events began",
		k.place(k.open("s", replay.Position{LastEventID: place})), place)
}

func placesWhatWasRead(k *kit) {
	k.start(Config{})
	k.create("s")
	k.add("s", "a:1", "b:2", "a:3", "b:4")
	r := k.open("s", replay.Position{Streams: []string{"a"}})
	for _, rest := range [][]string{{"2", "3", "4"}, {"4"}} {
		k.next(r)
		k.expect(k.open("s", replay.Position{LastEventID: k.place(r)}), rest...)
	}
	at := k.place(r)
	k.expect(k.open("s", replay.Position{LastEventID: at, Streams: []string{"b"}}), "4")
	k.expect(k.open("s", replay.Position{LastEventID: at, All: true}), "4")
}

func placesLive(k *kit) {
	k.start(Config{})
	k.create("s")
	k.add("s", "1", "2")
	place := k.place(k.open("s", replay.Position{Live: true}))
	k.add("s", "3")
	k.expect(k.open("s", replay.Position{LastEventID: place}), "3")
}

func refusesDroppedPlaces(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 3}})
	k.create("s")
	r := k.open("s", replay.Position{})
	places := []string{k.place(r)}
	for n := range 5 {
		k.add("s", fmt.Sprint(n+1))
		k.next(r)
		places = append(places, k.place(r))
	}
	for n, place := range places {
		events, err := k.drain("s", replay.Position{LastEventID: place})
		if n < 2 {
			k.wantErr(fmt.Sprint("after place ", n), err, ring.ErrEvicted)
		} else if err != nil || len(events) != 5-n {
			k.Errorf("after place %d come %d events, error %v; want %d", n, len(events), err, 5-n)
		}
	}
}

func refusesForeignPlaces(k *kit) {
	k.start(Config{})
	k.create("s")
	k.create("other")
	k.add("s", "1")
	k.add("other", "1")
	_, err := k.drain("s", replay.Position{LastEventID: k.place(k.open("other", replay.Position{Live: true}))})
	k.wantErr("Open at a place of another session", err, ring.ErrUnknownID)
}

func resumesAtPlaces(k *kit) {
	k.start(Config{})
	k.create("s")
	rnd := rand.New(rand.NewPCG(5, 5))
	at, stored, read := replay.Position{}, 0, 0
	for range 40 {
		for range rnd.IntN(4) {
			stored++
			k.add("s", fmt.Sprintf("%c:%d", 'a'+rnd.IntN(3), stored))
		}
		r := k.open("s", at)
		for read < stored && rnd.IntN(4) > 0 {
			read++
			k.expect(r, fmt.Sprint(read))
		}
		at.LastEventID = k.place(r)
		r.Close()
	}
}
