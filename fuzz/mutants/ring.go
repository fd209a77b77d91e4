package main

// ofTheRing break the protocol of word, proposal, page, directory and index, and what Append and
// the readers do with it.
var ofTheRing = []mutant{
	{"an owner writes into the page that is cur by then", "ring/append.go", []change{{
		"\tc.put(s, off, e,",
		"\tc = r.cur.Load()\n\ti = newest - c.base\n\ts = c.slot(i)\n\tc.put(s, off, e,"}},
		check{"ring", "TestExplore", stalled}},
	{"a page later than the word is planned with", "ring/plan.go", []change{{
		"if p.cur.base >= p.newest {",
		"if false {"}},
		check{"ring", "TestExplore", stalled}},
	{"the next page is cur before the complete one is entered", "ring/proposal.go", []change{{
		"\tstep.At(step.Sealed)\n",
		"\tstep.At(step.Sealed)\n\tr.cur.CompareAndSwap(x.cur, x.next)\n"}},
		check{"ring", "TestExplore", stalled}},
	{"the maker of a proposal goes by the word alone", "ring/proposal.go", []change{{
		"seqOf(r.word.Load()) >= x.seq && x.won.Load()",
		"seqOf(r.word.Load()) >= x.seq"}},
		check{"ring", "TestExplore", stalled}},
	{"won is set after the word", "ring/proposal.go", []change{{
		"\tx.won.Store(true)\n",
		""}, {
		"\tif seqOf(r.word.Load()) >= x.seq {\n",
		"\tx.won.Store(true)\n\tif seqOf(r.word.Load()) >= x.seq {\n"}},
		check{"ring", "TestExplore", stalled}},
	{"a proposal replaces one for the same sequence", "ring/proposal.go", []change{{
		"if old != nil && old.seq > p.newest {",
		"if false {"}},
		check{"ring", "TestExplore", stalled}},
	{"the page of a duplicate is looked up once more", "ring/append.go", []change{{
		"\t\t\treturn at, seq, err\n",
		"\t\t\tif at != nil {\n\t\t\t\tv := r.look()\n\t\t\t\tat = v.page(seq)\n\t\t\t}\n\t\t\treturn at, seq, err\n"}},
		check{"ring", "TestExplore", stalled}},
	{"a cost is taken for known that is not", "ring/page.go", []change{{
		"if i >= p.costs {",
		"if i >= p.slots {"}},
		check{"ring", "TestExplore", stalled}},
	{"the ring is sealed without comparing", "ring/proposal.go", []change{{
		"\t\tif r.word.CompareAndSwap(word, sealed) {",
		"\t\tif r.word.Store(sealed); true {"}},
		check{"ring", "TestExplore", stalled}},
	{"a proposal's index entries are not put", "ring/proposal.go", []change{{
		"range x.entries {",
		"range x.entries[:0] {"}},
		check{"ring", "TestExplore", stalled}},
	{"an owner's index entry comes after the word", "ring/append.go", []change{{
		"\t\tx.insert(uint64(tag)<<tagPos|(newest+1), newest+1-before>>costBits, free)\n",
		""}, {
		"\t\treturn r.appendOne(stored, e) // overtaken, or closed\n\t}\n",
		"\t\treturn r.appendOne(stored, e)\n\t}\n\tif flag != 0 {\n" +
			"\t\tx.insert(uint64(tag)<<tagPos|(newest+1), newest+1-before>>costBits, free)\n\t}\n"}},
		check{"ring", "TestAnEventCanBeFoundFromTheMomentThatItIsVisible", stalled}},
	{"an overtaken owner takes itself for published", "ring/append.go", []change{{
		"\t\treturn r.appendOne(stored, e) // overtaken, or closed\n",
		"\t\t_ = newest\n"}},
		check{"ring", "TestExplore", stalled}},
	{"the word is swapped without comparing", "ring/proposal.go", []change{{
		"if r.word.CompareAndSwap(word, x.word) &&",
		"if r.word.Store(x.word); word != 0 &&"}},
		check{"ring", "TestExplore", stalled}},
	{"the larger directory is not put in place", "ring/proposal.go", []change{{
		"if r.dir.CompareAndSwap(d, x.nextDir) {",
		"if false {"}},
		check{"ring", "TestExplore", stalled}},
	{"the complete page goes into the old directory", "ring/proposal.go", []change{{
		"\t\tr.enter(d, x.cur)",
		"\t\tr.enter(x.dir, x.cur)"}},
		check{"ring", "TestExplore", stalled}},
	{"a larger directory forgets pages", "ring/directory.go", []change{{
		"entries[ordinal&uint64(n-1)].Store(p)",
		"_ = p"}},
		check{"ring", "TestExplore", stalled}},
	{"a batch is published event by event", "ring/append.go", []change{{
		"wordOf(p.newest+n, slot+n, end)",
		"wordOf(p.newest+1, slot+n, end)"}},
		check{"ring", "TestExplore", stalled}},
	{"dir is loaded before cur", "ring/cursor.go", []change{{
		"\tcur := r.cur.Load()\n\tstep.At(step.ReaderPage)\n\tdir := r.dir.Load()\n",
		"\tdir := r.dir.Load()\n\tstep.At(step.ReaderPage)\n\tcur := r.cur.Load()\n"}},
		check{"ring", "TestExplore", stalled}},
	{"a cursor's guess is taken for the page", "ring/cursor.go", []change{{
		"p = dir.page(c.page).holding(seq); p == nil",
		"p = dir.page(c.page); p == nil || seq <= p.base"}},
		check{"ring", "TestExplore", stalled}},
	{"a cursor takes it that what is retained stays so", "ring/cursor.go", []change{{
		"if word != c.word {",
		"if c.word == 0 {"}},
		check{"ring", "TestOvertakenCursorFailsWithErrEvicted", ""}},
	{"the first page is taken for one with events", "ring/ring.go", []change{{
		" || v.cur.ordinal == 1 && v.cur.base == v.newest {",
		" {"}},
		check{"ring", "TestExplore", stalled}},
	{"eviction by count is off by one", "ring/append.go", []change{{
		"after>>costBits > uint64(g.maxEvents) ||",
		"after>>costBits > uint64(g.maxEvents)+1 ||"}},
		check{"ring", "TestOverMaxEventsTheOldestGo", ""}},
	{"eviction by bytes forgets the new event", "ring/append.go", []change{{
		"after&(one-1) > uint64(g.maxBytes)",
		"before&(one-1) > uint64(g.maxBytes)"}},
		check{"ring", "TestOverMaxBytesTheOldestGoUntilItFits", ""}},
	{"nobody is woken", "ring/wait.go", []change{{
		"\t\tw.wake()\n",
		""}},
		check{"ring", "TestWaitEndsWithAnAppendTheContextOrClose", ""}},
	{"an entry of a retained event is reused", "ring/index.go", []change{{
		"(w&seqMask-first)",
		"(w&seqMask-first-1)"}, {
		"v.old&seqMask >= first",
		"v.old&seqMask > first"}},
		check{"ring", "TestOldestIDIsFoundWhileTheRingFills", ""}},
	{"IDs that find no place are not looked for", "ring/index.go", []change{{
		"if x.lost().Load() >= v.first {",
		"if x.lost().Load() > 1<<50 {"}},
		check{"ring", "TestIDsThatFindNoPlaceInTheIndexAreFound", ""}},
	{"an imitated ID is assigned all the same", "ring/append.go", []change{{
		"\t\tif r.books.Load()&imitated != 0 {",
		"\t\tif false {"}},
		check{"ring", "TestOwnIDThatLooksLikeAFutureAssignedOneIsRespected", ""}},
	{"growth forgets the index", "ring/index.go", []change{{
		"w := old[i][j].Load(); w&seqMask >= v.first &&",
		"w := old[i][j].Load(); w == 1 &&"}},
		check{"ring", "TestOldestIDIsFoundWhileTheRingFills", ""}},
	{"Seek forgets the stream", "ring/seek.go", []change{{
		"\t\t\tc.keepStream(p.stream(p.of(seq)))\n",
		""}},
		check{"ring", "TestSeekFindsEveryRetainedIDAndItsStreamFollows", ""}},
}
