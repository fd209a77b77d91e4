package prefetch

// Append starts to load the cache lines that an append is about to touch: those at next and base, and six from record on. It does not wait for
// them, but for the translation of a page that no TLB knows. It costs about 2 ns.
//
//go:noescape
func Append(next, base, record uintptr)

// Line starts to load the cache line at a.
//
//go:noescape
func Line(a uintptr)

// An Ahead says where the next append to a log will find what it touches beyond the log itself: four cache lines, as distances from the log's. It lies
// beside a pointer to the log, so that whoever comes to append can ask for everything at once instead of following one pointer after the other.
// Whoever has appended writes it, whoever appends reads it, word by word and without order; the words may be of different appends, or cut
// off in a heap of more than 128 GiB, and then a line is asked for in vain. The accesses are in assembly, for Go's atomic stores lock the
// line: on amd64 an aligned word is read and written whole.
type Ahead [4]int32 // next, record, table, dir

// Note writes a, which lies beside a pointer to log, from the addresses of the four.
//
//go:noescape
func Note(a *Ahead, log, next, record, table, dir uintptr)

// Fetch starts to load two lines at log, one for each of what a says, and five more of the record.
//
//go:noescape
func Fetch(a *Ahead, log uintptr)
