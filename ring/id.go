package ring

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"strconv"

	"github.com/zeebo/xxh3"
)

// An assigned ID is `<tag>-<sequence>`: tagLen random characters that tell rings apart, and the
// event's own sequence number.
const tagLen = 12

// maxAssigned is the length of the longest assigned ID without zeros before its number: see
// unusual.
const maxAssigned = tagLen + 1 + 13

func newTag() (tag [tagLen]byte) {
	bits := rand.Uint64()
	for i := range tag {
		tag[i] = tagAlphabet[bits>>(5*i)&31]
	}
	return tag
}

// ownTag reports whether id has the form of this ring's assigned IDs so far as its tag goes.
func (r *Ring) ownTag(id string) bool {
	return len(id) > tagLen+1 && id[tagLen] == '-' && id[:tagLen] == string(r.tag[:])
}

// assignedSeq returns the sequence of an ID that this ring would assign: its own tag and a
// canonical decimal number from 1 up.
func (r *Ring) assignedSeq(id string) (seq uint64, ok bool) {
	if !r.ownTag(id) || id[tagLen+1] == '0' || len(id) > maxAssigned {
		return 0, false
	}
	return decimal(id[tagLen+1:])
}

// PositionID returns the ID of the place just after sequence seq: `<tag>.<seq>`. The place is there
// whether or not an event is: 0 is the beginning, in an empty ring too. Seek takes the ID as long
// as nothing after seq has been dropped. No assigned ID has this form; an event that a producer
// gave this very ID is found by it for as long as it is retained. It allocates the string.
func (r *Ring) PositionID(seq uint64) string {
	id := make([]byte, tagLen+1, maxAssigned+8)
	copy(id, r.tag[:])
	id[tagLen] = '.'
	return string(strconv.AppendUint(id, seq, 10))
}

// positionSeq returns the sequence of an ID that PositionID makes: the ring's own tag and a
// canonical decimal number from 0 up.
func (r *Ring) positionSeq(id string) (seq uint64, ok bool) {
	if len(id) < tagLen+2 || len(id) > maxAssigned || id[tagLen] != '.' || id[:tagLen] != string(r.tag[:]) {
		return 0, false
	}
	if id[tagLen+1] == '0' {
		return 0, len(id) == tagLen+2
	}
	return decimal(id[tagLen+1:])
}

// decimal returns the number that digits, at most 13 of them, are.
func decimal(digits string) (n uint64, ok bool) {
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, true
}

// putAssigned writes the ID that seq is assigned to dst, which is assignedLen long. It writes eight
// digits at a time from the end, also where there are fewer, and then the tag over those too many.
func (r *Ring) putAssigned(dst []byte, seq uint64, zeros int) {
	if len(dst) <= tagLen {
		return // never happens, and saves bounds checks below
	}
	for i := range zeros {
		dst[tagLen+1+i] = '0'
	}
	if seq >= 1e8 {
		binary.LittleEndian.PutUint64(dst[len(dst)-16:], eightDigits(seq/1e8))
		seq %= 1e8
	}
	binary.LittleEndian.PutUint64(dst[len(dst)-8:], eightDigits(seq))
	binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(r.tag[:]))
	binary.LittleEndian.PutUint32(dst[8:], binary.LittleEndian.Uint32(r.tag[8:]))
	dst[tagLen] = '-'
}

// eightDigits returns n < 1e8 in decimal, the first digit in the lowest byte: it splits n into two
// halves of four digits, these into pairs and those into digits, all at once. The multiplications
// are divisions by 100 and by 10.
func eightDigits(n uint64) uint64 {
	n = n/1e4 | n%1e4<<32
	hundreds := n * 10486 >> 20 & (0x7f<<32 | 0x7f)
	n = hundreds | (n-100*hundreds)<<16
	tens := n * 103 >> 10 & 0x000f_000f_000f_000f
	n = tens | (n-10*tens)<<8
	return n | 0x3030_3030_3030_3030
}

func assignedLen(seq uint64, zeros int) int { return tagLen + 1 + zeros + decimalLen(seq) }

// decimalLen returns how many digits seq has, which is 1 to MaxSeq. The logarithm to base 10 is
// estimated from the one to base 2 and corrected by at most one.
func decimalLen(seq uint64) int {
	n := bits.Len64(seq) * 1233 >> 12 & 15
	if seq >= powersOf10[n] {
		n++
	}
	return n
}

var powersOf10 = [16]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// unusual gives seq an assigned ID with so many zeros before its number that it is not one which a
// retained event was given by its producer, or an event of the batch is. An ID with zeros is no
// longer canonical and found through the index, like any of the producer's own. It returns where
// its entry may go.
func (r *Ring) unusual(p *plan, id *identity, seq uint64, es []Event) vacancy {
	if len(es) > 1 && p.imitations == nil {
		p.imitations = map[string]struct{}{}
		for i := range es {
			if r.ownTag(es[i].ID) {
				p.imitations[es[i].ID] = struct{}{}
			}
		}
	}
	var buf [MaxMaxIDBytes + 1]byte // no producer's ID is longer than MaxMaxIDBytes
	for zeros := 0; ; zeros++ {
		b := buf[:assignedLen(seq, zeros)]
		r.putAssigned(b, seq, zeros)
		text := string(b)
		tag := r.hash(text)
		_, at, free := r.find(&p.view, text, tag)
		if _, taken := p.imitations[text]; at == nil && !taken {
			*id = identity{int32(len(b)), tag, zeros > 0}
			return free
		}
	}
}

// checkTwice refuses a batch in which an ID comes twice.
func checkTwice(es []Event, ids []identity) error {
	const few = 32
	seen := map[string]struct{}(nil)
	if len(es) > few {
		seen = make(map[string]struct{}, len(es))
	}
	for i := range es {
		id := es[i].ID
		if id == "" {
			continue
		}
		twice := false
		if seen != nil {
			_, twice = seen[id]
			seen[id] = struct{}{}
		} else {
			for j := range i {
				twice = twice || ids[j].tag == ids[i].tag && es[j].ID == id
			}
		}
		if twice {
			return &idError{err: ErrDuplicateID, id: id, about: "%.300q comes twice in the batch"}
		}
	}
	return nil
}

// hash returns the index tag of an ID. The seed is secret and each ring's own.
func (r *Ring) hash(id string) uint32 {
	return uint32(xxh3.HashStringSeed(id, r.group.seed^r.stripeHash()) >> (64 - tagBits))
}

// stripeHash is a number that differs from ring to ring.
func (r *Ring) stripeHash() uint64 { return binary.LittleEndian.Uint64(r.tag[:]) }
