package bench

import (
	"math/rand/v2"
	"strings"
)

// Payload returns n bytes of text on a single line.
func Payload(n int) []byte {
	const text = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"a7","progress":42,"total":100}}`
	return []byte(strings.Repeat(text, n/len(text)+1)[:n])
}

// Lines returns n bytes of text in lines of 63 bytes and a line feed.
func Lines(n int) []byte {
	p := Payload(n)
	for i := 63; i < n; i += 64 {
		p[i] = '\n'
	}
	return p
}

// IDLen is the length of a UUID, the ID that producers and servers like best.
const IDLen = 36

// IDs is a list of different strings of IDLen bytes, behind a single pointer.
type IDs struct{ all string }

// NewIDs returns n of them: hexadecimal digits and hyphens, the same ones for the same seed.
func NewIDs(n int, seed uint64) IDs {
	const digits = "0123456789abcdef"
	r := rand.New(rand.NewPCG(seed, 36))
	all := make([]byte, 0, n*IDLen)
	for range n {
		hi, lo := r.Uint64(), r.Uint64()
		for i := range IDLen {
			switch i {
			case 8, 13, 18, 23:
				all = append(all, '-')
				continue
			}
			all = append(all, digits[hi>>60])
			hi, lo = hi<<4|lo>>60, lo<<4
		}
	}
	return IDs{string(all)}
}

// Len returns how many there are.
func (ids IDs) Len() int { return len(ids.all) / IDLen }

// At returns one.
func (ids IDs) At(i int) string { return ids.all[i*IDLen : (i+1)*IDLen] }

// OwnIDs hands out event IDs that producers bring along, to any number of sessions that retain up
// to a number of events each. An ID comes again when its session has long dropped it. A session's
// IDs are for one goroutine at a time.
type OwnIDs struct {
	ids  IDs
	next []uint32 // by session
	mask uint32
}

// NewOwnIDs returns IDs for that many sessions.
func NewOwnIDs(sessions, retain int) *OwnIDs { return NewOwnIDsOf(sessions, retain, 1) }

// NewOwnIDsOf returns IDs that no other seed has.
func NewOwnIDsOf(sessions, retain int, seed uint64) *OwnIDs {
	n := 16
	for n < 2*retain {
		n *= 2
	}
	return &OwnIDs{NewIDs(n, seed), make([]uint32, sessions), uint32(n - 1)}
}

// Next returns the session's next event ID.
func (o *OwnIDs) Next(session int) string {
	n := o.next[session]
	o.next[session] = n + 1
	return o.ids.At(int(n & o.mask))
}

// InTurn returns an order in which n sessions are visited again and again: first to last.
func InTurn(n int) []uint32 {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	return order
}

// Random returns an order in which n sessions are visited independently of each other, long enough
// to be nobody's habit.
func Random(n int, seed uint64) []uint32 {
	r := rand.New(rand.NewPCG(seed, 17))
	order := make([]uint32, 1<<17)
	for i := range order {
		order[i] = r.Uint32N(uint32(n))
	}
	return order
}

// Bursts is Random with size visits in a row.
func Bursts(n, size int, seed uint64) []uint32 {
	order := Random(n, seed)
	for i := range order {
		order[i] = order[i/size*size]
	}
	return order
}

// Fill appends retain events to each of n sessions, in turn, and then up to a half more, to each
// session another number: what sessions do once in so many events, such as taking a page, they must
// not all do at the same time.
func Fill(n, retain int, appendTo func(session int)) {
	FillEach(n, func(int) int { return retain }, appendTo)
}

// FillEach is Fill for sessions that do not all retain as many.
func FillEach(n int, retain func(session int) int, appendTo func(session int)) {
	InTurnUpTo(n, func(s int) int { return retain(s) + s*7919%(retain(s)/2+17) }, appendTo)
}

// InTurnUpTo appends to each of n sessions as many events as it is told, one to each session and
// then the next one.
func InTurnUpTo(n int, events func(session int) int, appendTo func(session int)) {
	for round, more := 0, true; more; round++ {
		more = false
		for s := range n {
			if round < events(s) {
				appendTo(s)
				more = true
			}
		}
	}
}
