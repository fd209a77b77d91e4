package main

// ofTheRing break the protocol of slots, index, tail and growth, and what Append and the readers do with it.
var ofTheRing = []mutant{
	{"the index comes after the tail", "ring/append.go", []change{{
		"\t\tr.insert(t, tail, seq, tag, v)",
		"\t\tdefer r.insert(t, tail, seq, tag, v)"}},
		check{"ring", "TestVisibleEventIsFoundThoughItsWriterSleeps", stalled}},
	{"a slot of another lap is taken for a claim", "ring/table.go", []change{{
		"w>>t.lapShift() == seq>>(t.log&63) && w != 0 && w != frozen",
		"w != 0 && w != frozen"}, {
		"w>>t.lapShift() == seq>>(t.log&63) || w == frozen",
		"true"}},
		check{"ring", "TestOverMaxEventsTheOldestGo", ""}},
	{"a writer does not look at the tail again", "ring/append.go", []change{{
		"\t\tif r.tail.Load() != tail {\n\t\t\tcontinue",
		"\t\tif false {\n\t\t\tcontinue"}},
		check{"ring", "TestWriterThatSleepsAcrossAGrowthDoesNotLoseItsEvent", stalled}},
	{"the duplicate check comes before the tail is read", "ring/append.go", []change{{
		"\t\tstep.At(step.Looked)\n",
		"\t\tstep.At(step.Looked)\n\t\ttail = r.tail.Load()\n\t\tseq, slot = tailSeq(tail)+1, t.slot(tailSeq(tail)+1)\n\t\told = slot.word.Load()\n"}},
		check{"ring", "TestDuplicateOfAStalledClaimIsRefused", stalled}},
	{"eviction by count is off by one", "ring/plan.go", []change{{
		"\tif count > uint64(g.maxEvents) ||",
		"\tif count > uint64(g.maxEvents)+1 ||"}},
		check{"ring", "TestOverMaxEventsTheOldestGo", ""}},
	{"eviction by bytes forgets the new event", "ring/plan.go", []change{{
		"|| after > g.maxBytes {\n\t\toldest",
		"|| before > g.maxBytes {\n\t\toldest"}},
		check{"ring", "TestOverMaxBytesTheOldestGoUntilItFits", ""}},
	{"a hint is taken without its sequence", "ring/plan.go", []change{{
		"newest>>sumBits != seq || base>>sumBits != seq-n || n == 0",
		"n == 0"}},
		check{"ring", "TestBytesAreExactThoughWritersSleepBeforeTheirHints", stalled}},
	{"a claim is taken for granted", "ring/append.go", []change{{
		"if !slot.word.CompareAndSwap(old, t.word(seq, d.place, d.unit)) {",
		"if slot.word.Store(t.word(seq, d.place, d.unit)); false {"}},
		check{"ring", "TestStalledWriterBlocksNobodyAndLosesNothing", stalled}},
	{"a helper does not know the ID's hash", "ring/append.go", []change{{
		"\t\ttag = r.hash(rec.id())",
		"\t\ttag = 0"}},
		check{"ring", "TestDuplicateOfAStalledClaimIsRefused", stalled}},
	{"an append that Close overtook succeeds", "ring/append.go", []change{{
		"return tailSeq(r.tail.Load()) >= seq",
		"return true"}},
		check{"ring", "TestCloseBeforePublicationIsExact", stalled}},
	{"nobody is woken", "ring/append.go", []change{{
		"\tif r.wake.Load() != nil {",
		"\tif false {"}},
		check{"ring", "TestWaitEndsWithAnAppendTheContextOrClose", ""}},
	{"waiters are taken out before they are woken", "ring/wait.go", []change{{
		"\t\tstep.At(step.Waking)\n",
		"\t\tr.wake.CompareAndSwap(w, nil)\n\t\tstep.At(step.Waking)\n"}},
		check{"ring", "TestSleepingWakerKeepsNoWaiterAsleep", stalled}},
	{"an entry of a retained event is reused", "ring/index.go", []change{{
		"(w&seqMask-first)",
		"(w&seqMask-first-1)"}, {
		"v.old&seqMask >= first",
		"v.old&seqMask > first"}},
		check{"ring", "TestOldestIDIsFoundWhileTheRingFills", ""}},
	{"IDs that find no place are not looked for", "ring/index.go", []change{{
		"lost := t.lost.Load(); lost >= first {",
		"lost := t.lost.Load(); lost > lost+first {"}},
		check{"ring", "TestIDsThatFindNoPlaceInTheIndexAreFound", ""}},
	{"an imitated ID is assigned all the same", "ring/append.go", []change{{
		"r.flags.Load()&flagImitate != 0",
		"r.flags.Load() > 99"}},
		check{"ring", "TestOwnIDThatLooksLikeAFutureAssignedOneIsRespected", ""}},
	{"a table is copied without freezing it", "ring/table.go", []change{{
		"!slot.word.CompareAndSwap(w, frozen)",
		"slot.word.Load() != w"}},
		check{"ring", "TestEventsStoredWhileATableIsCopiedAreNotLost", stalled}},
	{"growth forgets the index", "ring/index.go", []change{{
		"w := old.index[i][j].Load(); retained(tail, w&seqMask)",
		"w := old.index[i][j].Load(); w == 1"}},
		check{"ring", "TestOldestIDIsFoundWhileTheRingFills", ""}},
	{"as many slots as events", "ring/table.go", []change{{
		"if len(next.slots) > int(r.group.maxEvents) {",
		"if len(next.slots) >= int(r.group.maxEvents) {"}},
		check{"ring", "TestFullRingOfAPowerOfTwoGrowsAnIndex", ""}},
	{"a cursor does not look at the tail again", "ring/cursor.go", []change{{
		"\t\tif seq < tailFirst(r.tail.Load()) {\n\t\t\tc.gone",
		"\t\tif false {\n\t\t\tc.gone"}},
		check{"ring", "TestReaderThatSleepsAcrossEvictionGetsAnError", stalled}},
	{"Seek forgets the stream", "ring/ring.go", []change{{
		"\t\t\tc.keepStream(f.rec.stream())\n",
		""}},
		check{"ring", "TestSeekFindsEveryRetainedIDAndItsStreamFollows", ""}},
}
