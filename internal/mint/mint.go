// Package mint makes session IDs: random UUIDs, from random bytes that are fetched 4 KiB at a time.
package mint

import (
	"crypto/rand"
	"encoding/hex"
	"sync"

	"github.com/google/uuid"
)

// page is how many random bytes are fetched at once: 256 IDs.
const page = 4096

// A Minter makes IDs. The zero Minter is ready; it is safe for concurrent use, and goroutines share
// nothing but a sync.Pool.
type Minter struct {
	pages sync.Pool // of *buffer
}

// UUID returns a version 4 UUID: 122 bits of the system's cryptographic randomness. Sixteen
// IDs are written at a time, into one allocation, which stays for as long as one of them is in use.
func (m *Minter) UUID() string {
	b, _ := m.pages.Get().(*buffer)
	if b == nil {
		b = &buffer{next: page}
	}
	if b.text == "" {
		b.fill()
	}
	id := b.text[:idBytes]
	b.text = b.text[idBytes:]
	m.pages.Put(b)
	return id
}

const (
	idBytes    = 36
	batchBytes = 16 * idBytes // of text that is made at once: a size class of the allocator
)

// A buffer holds random bytes. One goroutine uses it at a time. Each byte is handed out once, and
// wiped.
type buffer struct {
	text string // IDs that have been written and not handed out
	next int    // what comes before has been used
	data [page]byte
}

func (b *buffer) fill() {
	var text [batchBytes]byte
	for i := 0; i < batchBytes; i += idBytes {
		id := b.uuid()
		out := text[i : i+idBytes]
		hex.Encode(out, id[:4])
		hex.Encode(out[9:], id[4:6])
		hex.Encode(out[14:], id[6:8])
		hex.Encode(out[19:], id[8:10])
		hex.Encode(out[24:], id[10:])
		out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	}
	b.text = string(text[:])
}

// uuid is uuid.NewRandomFromReader without its allocation.
func (b *buffer) uuid() (id uuid.UUID) {
	if b.next == page {
		rand.Read(b.data[:]) // it never fails: it would rather end the program
		b.next = 0
	}
	fresh := b.data[b.next : b.next+len(id)]
	copy(id[:], fresh)
	clear(fresh)
	b.next += len(id)
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	return id
}
