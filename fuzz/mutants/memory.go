package main

// ofItsMemory break when pages go, and the accounts of memory and the shared budget.
var ofItsMemory = []mutant{
	{"the oldest page is named one too late", "ring/proposal.go", []change{{
		"o.base+uint64(o.count.Load()) >= p.kept",
		"o.base+uint64(o.count.Load()) > p.kept"}},
		check{"ring", "TestExplore", stalled}},
	{"pages that have gone stay", "ring/proposal.go", []change{{
		"\t\tr.sweep(d, x.cur.oldest, x.next.oldest, x.kept)\n",
		""}},
		check{"ring", "TestExplore", stalled}},
	{"a page that is entered late stays", "ring/proposal.go", []change{{
		"\t\tr.retract(d, x)\n",
		""}},
		check{"ring", "TestExplore", stalled}},
	{"a page is taken out that is retained until cur is visible", "ring/proposal.go", []change{{
		"r.look().first < x.seq {",
		"p.ordinal >= r.cur.Load().oldest {"}},
		check{"ring", "TestExplore", stalled}},
	{"pages go before the word has moved on", "ring/proposal.go", []change{{
		"\tif seqOf(r.word.Load()) >= x.seq {\n",
		"\tif true {\n"}},
		check{"ring", "TestExplore", stalled}},
	{"memory is counted off twice", "ring/directory.go", []change{{
		"if p.dropped.CompareAndSwap(0, 1) {",
		"if p.dropped.Store(1); true {"}},
		check{"ring", "TestAPageThatIsTakenOutTwiceIsCountedOffOnce", stalled}},
	{"a ring that is released does not give its budget back", "ring/release.go", []change{{
		"\t\tb.Draw(-b.Charge(s.Bytes))\n",
		""}},
		check{"ring", "TestReleaseTakesTheRingOutOfTheTallyAndTheBudgetOnce", ""}},
}
