package main

// ofItsMemory break how chunks are reserved and freed, and the shared budget.
var ofItsMemory = []mutant{
	{"a record in a sealed chunk is claimed", "ring/append.go", []change{{
		"if d.chunk == nil || r.sealed(&d) {",
		"if d.chunk == nil {"}},
		check{"ring", "TestRecordInASealedChunkIsNotClaimed", stalled}},
	{"a chunk goes one event early", "ring/chunks.go", []change{{
		"tailFirst(tail) >= dead",
		"tailFirst(tail)+1 >= dead"}},
		check{"ring", "TestChunkGoesWithItsLastEventAndNotBefore", ""}},
	{"a large record's chunk goes with the event before", "ring/chunks.go", []change{{
		"c.dead.CompareAndSwap(0, seq+1)",
		"c.dead.CompareAndSwap(0, seq)"}},
		check{"ring", "TestChunkGoesWithItsLastEventAndNotBefore", ""}},
	{"a chunk is stamped as if nobody had a claim under way", "ring/chunks.go", []change{{
		"c.dead.CompareAndSwap(0, tailSeq(tail)+2)",
		"c.dead.CompareAndSwap(0, tailSeq(tail)+1)"}},
		check{"ring", "TestRecordThatIsClaimedWhileItsChunkIsSealedIsKept", stalled}},
	{"chunks never go", "ring/chunks.go", []change{{
		"return dead != 0 && tailFirst(tail) >= dead",
		"return false"}},
		check{"ring", "TestChunkGoesWithItsLastEventAndNotBefore", ""}},
	{"a large record that is given up keeps its chunk", "ring/chunks.go", []change{{
		"\t\td.chunk.dead.CompareAndSwap(0, 1)\n",
		""}},
		check{"ring", "TestLosersOfARaceForALargeIDLeaveNoChunksBehind", stalled}},
	{"losers of races fill chunk after chunk", "ring/chunks.go", []change{{
		"\treturn living > most\n",
		"\treturn false && living > most\n"}},
		check{"ring", "TestLosersOfManyRacesDoNotMultiplyMemory", stalled}},
	{"the budget is drawn on before the event is stored", "ring/append.go", []change{{
		"\t\tstep.At(step.Written)\n",
		"\t\tif m.drawn != 0 {\n\t\t\tg.Budget.Draw(m.drawn)\n\t\t\tm.drawn = 0\n\t\t}\n\t\tstep.At(step.Written)\n"}},
		check{"ring", "TestSleepingWriterDoesNotUseUpTheBudget", stalled}},
	{"a ring that is released does not give its budget back", "ring/ring.go", []change{{
		"\t\tb.Draw(-b.Charge(s.Bytes))\n",
		""}},
		check{"ring", "TestReleaseTakesTheRingOutOfTheTallyAndTheBudgetOnce", ""}},
}
