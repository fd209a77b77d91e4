package storetest

import (
	"fmt"
	"strings"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

func positioning() []test {
	var all []test
	for _, c := range positions {
		all = append(all, test{name: "position " + c.name, run: func(k *kit) { c.check(k) }})
	}
	return append(all, test{name: "keeps no reference to the streams of a position", run: copiesStreams})
}

// In all of these the log is 1 a:2 b:3 a:4 5 when the reader opens, after a:2 where it begins after
// an event, and b:6 a:7 8 c:9 come then.
var positions = []position{
	{"zero: everything retained, then what comes", replay.Position{}, false, "1 2 3 4 5 6 7 8 9"},
	{"LastEventID: what follows on its stream", replay.Position{}, true, "4 7"},
	{"LastEventID and All: what follows on every stream", replay.Position{All: true}, true, "3 4 5 6 7 8 9"},
	{"LastEventID and another stream", replay.Position{Streams: []string{"b"}}, true, "3 6"},
	{"LastEventID and two streams, one of them twice", replay.Position{Streams: []string{"b", "a", "b"}}, true,
		"3 4 6 7"},
	{"LastEventID and the default stream", replay.Position{Streams: []string{""}}, true, "5 8"},
	{"LastEventID takes precedence over Live", replay.Position{Live: true}, true, "4 7"},
	{"Live: what comes", replay.Position{Live: true}, false, "6 7 8 9"},
	{"Live and a stream", replay.Position{Live: true, Streams: []string{"b"}}, false, "6"},
	{"Live and All", replay.Position{Live: true, All: true}, false, "6 7 8 9"},
	{"one stream", replay.Position{Streams: []string{"a"}}, false, "2 4 7"},
	{"the default stream", replay.Position{Streams: []string{""}}, false, "1 5 8"},
	{"two streams", replay.Position{Streams: []string{"", "b"}}, false, "1 3 5 6 8"},
	{"a stream that comes later", replay.Position{Streams: []string{"c"}}, false, "9"},
	{"All takes precedence over Streams", replay.Position{All: true, Streams: []string{"a"}}, false,
		"1 2 3 4 5 6 7 8 9"},
}

type position struct {
	name  string
	at    replay.Position
	after bool // LastEventID is that of a:2
	want  string
}

func (p position) check(k *kit) {
	k.start(Config{})
	k.create("s")
	id := k.add("s", "1", "a:2")[1].ID
	k.add("s", "b:3", "a:4", "5")
	at := p.at
	if p.after {
		at.LastEventID = id
	}
	r := k.open("s", at)
	k.add("s", "b:6", "a:7", "8", "c:9")
	k.expect(r, strings.Fields(p.want)...)
	for _, stream := range []string{"", "a", "b", "c"} { // what the reader must not see would come before
		k.append("s", ring.Event{Stream: stream, Data: fmt.Append(nil, "last")})
	}
	if e := k.next(r); string(e.Data) != "last" {
		k.Errorf("then read %q of stream %q", e.Data, e.Stream)
	}
}

func copiesStreams(k *kit) {
	k.start(Config{})
	k.create("s")
	streams := []string{"a", "b"}
	r := k.open("s", replay.Position{Streams: streams})
	streams[0], streams[1] = "x", "y"
	k.add("s", "a:1", "x:2", "b:3")
	k.expect(r, "1", "3")
}
