//go:build model

package model

// A mutant is a model with something left out or turned round, and a small run that must refute it.
type mutant struct {
	run
	changes []change
}

type change struct{ from, to string }

func broken(name, defines string, changes ...change) mutant {
	return mutant{run{name: name, file: "ring.pml", defines: defines}, changes}
}

func (m mutant) forever() mutant {
	m.livelock = true
	return m
}

var mutants = []mutant{
	broken("an owner looks up the page once it owns", "READERS=0 OTHERS=1", change{
		`		fill(hasPage[me], at)
`,
		`		hasPage[me] = cur;
		at = w - page[cur].base;
		fill(hasPage[me], at)
`}),
	broken("ownership is given back without an event", "READERS=0 OTHERS=1", change{
		`		fill(hasPage[me], at)
	};`,
		`		fill(hasPage[me], at)
	};
	if
	:: atomic {
		seq == w && state == BUSY ->
		state = IDLE;
		forget();
		goto again
		}
	:: true
	fi;`}),
	broken("a page later than the word is used", "READERS=0 OTHERS=1", change{
		`		:: hasPage[me] && page[hasPage[me]].base >= w -> forget(); goto again
`,
		`		:: false -> skip
`}),
	broken("two own the ring at a time", "READERS=0 OTHERS=1", change{
		`:: seq == w && state == IDLE && !closed -> state = BUSY`,
		`:: seq == w && state != SEALED && !closed -> state = BUSY`}),
	broken("an owner publishes what is sealed", "READERS=0 OTHERS=1", change{
		`:: seq == w && state == BUSY && !closed ->`,
		`:: seq == w && !closed ->`}),
	broken("an owner publishes after Close", "READERS=0 FIRST=1 OTHERS=1 CLOSER=1", change{
		`:: seq == w && state == BUSY && !closed ->`,
		`:: seq == w && state == BUSY ->`}),
	broken("a proposal is published after Close", "READERS=0 FIRST=1 OTHERS=1 CLOSER=1", change{
		`		:: seq == page[P].base && state == SEALED && !closed ->`,
		`		:: seq == page[P].base && state == SEALED ->`}),
	broken("a late proposal replaces a newer one", "READERS=0", change{
		`			:: seq != w -> forget(); goto again
`,
		`			:: false -> skip
`}, change{
		`:: hasOld[me] && page[hasOld[me]].base >= w ->`,
		`:: hasOld[me] && page[hasOld[me]].base == w ->`}),
	broken("a proposal replaces the one for the same sequence", "READERS=0 OTHERS=1", change{
		`:: hasOld[me] && page[hasOld[me]].base >= w ->`,
		`:: hasOld[me] && page[hasOld[me]].base > w ->`}),
	broken("the new page comes before the complete one is entered", "READERS=0 OTHERS=1", change{
		`	/* go: proposal.go settle: step.At(step.Sealed) */
`,
		`	/* go: proposal.go settle: step.At(step.Sealed) */
	atomic {
		if
		:: cur == proposal[P].page ->
			cur = P;
			check()
		:: else
		fi
	};
`}),
	broken("the larger directory does not come before the page", "READERS=0 OTHERS=1", change{
		`			:: dir == proposal[P].dir ->
				dir = P;`,
		`			:: dir == proposal[P].dir ->
				skip;`}),
	broken("a page is entered before it is known to be complete", "READERS=0 OTHERS=1", change{
		`			page[proposal[P].page].n = j;
`,
		`			skip;
`}),
	broken("the complete page goes into the old directory", "READERS=0 OTHERS=1", change{
		`		:: hasHit[me] = ENTRY(directory[AFTERDIR].entries, page[proposal[P].page].ord);
`,
		`		:: proposal[P].newdir -> break
		:: !proposal[P].newdir -> hasHit[me] = ENTRY(directory[AFTERDIR].entries, page[proposal[P].page].ord);
`}),
	broken("an older page is entered over a newer one", "READERS=0 OTHERS=1 FIRST=3 HELPERS=1 MAXEVENTS=1 ROOM=1",
		change{
			`				:: page[hasHit[me]].ord >= page[proposal[P].page].ord -> break
`,
			`				:: hasHit[me] == proposal[P].page -> break
`}),
	broken("a page is entered without comparing", "READERS=0 OTHERS=1 FIRST=3 HELPERS=1 MAXEVENTS=1 ROOM=1", change{
		`				:: ENTRY(directory[AFTERDIR].entries, page[proposal[P].page].ord) == hasHit[me] ->`,
		`				:: true ->`}),
	broken("cur is swapped without comparing", "READERS=0 OTHERS=1", change{
		`		:: cur == proposal[P].page ->
			assert(seq == page[P].base);`,
		`		:: true ->`}),
	broken("dir is swapped without comparing", "READERS=0 OTHERS=2 FIRST=3 MAXEVENTS=2 ROOM=1", change{
		`			:: dir == proposal[P].dir ->
`,
		`			:: true ->
`}),
	broken("the word is swapped without comparing", "READERS=0 OTHERS=1", change{
		`		:: seq == page[P].base && state == SEALED && !closed ->`,
		`		:: !closed ->`}),
	broken("the maker goes by the word alone", "READERS=0 OTHERS=1", change{
		`		seq > page[P].base && proposal[P].won ->`,
		`		seq > page[P].base ->`}),
	broken("won is set before the ring is sealed", "READERS=0 OTHERS=1", change{
		`	atomic {
		/* go: proposal.go seal: r.word.CompareAndSwap(word, sealed) */`,
		`	proposal[P].won = 1;
	atomic {
		/* go: proposal.go seal: r.word.CompareAndSwap(word, sealed) */`}),
	broken("won is set after the word", "READERS=0 OTHERS=1", change{
		`	proposal[P].won = 1;
	atomic {
		/* go: proposal.go settle: step.At(step.Decided) */`,
		`	atomic {
		/* go: proposal.go settle: step.At(step.Decided) */`}, change{
		`	atomic {
		/* go: proposal.go settle: seqOf(r.word.Load()) >= x.seq */`,
		`	proposal[P].won = 1;
	atomic {
		/* go: proposal.go settle: seqOf(r.word.Load()) >= x.seq */`}),
	broken("a proposal's index entries come after the word", "READERS=0 FIRST=1 OTHERS=1 INDEX=1", change{
		`		at < proposal[P].n ->
`,
		`		at < proposal[P].n && false ->
`}),
	broken("an owner's index entry comes after the word", "READERS=0 OTHERS=1 INDEX=1", change{
		`	:: KEPT(0) -> insert(INDEXED, w + 1)`,
		`	:: false -> skip`}),
	broken("a helper publishes the first event of a batch", "READERS=0 FIRST=1 OTHERS=1 BATCH=2", change{
		`				publish(P, 0, proposal[P].n)`,
		`				publish(P, 0, 1)`}),
	broken("pages that have gone stay", "READERS=0 FIRST=3 OTHERS=1 MAXEVENTS=3 ROOM=1", change{
		`	:: at < upto && list ->`,
		`	:: at < upto && false ->`}),
	broken("a page is taken out without comparing", "READERS=0 OTHERS=1 FIRST=4 HELPERS=1 MAXEVENTS=1 ROOM=1", change{
		`			:: hasHit[me] && ENTRY(list, at) == hasHit[me] ->`,
		`			:: hasHit[me] ->`}),
	broken("who enters a page late leaves it there", "WRITERS=1 FIRST=3 HELPERS=1 READERS=0 ROOM=1 SMALLEST=4", change{
		`		:: page[proposal[P].page].ord == 0 || OLDEST(seq, count) <= page[P].base ->`,
		`		:: true ->`}),
	broken("a page goes by the word of one that is not visible yet", "READERS=0 FIRST=3 OTHERS=1 HELPERS=1 ROOM=1",
		change{
			`		:: page[proposal[P].page].ord == 0 || OLDEST(seq, count) <= page[P].base ->`,
			`		:: page[proposal[P].page].ord == 0 || page[proposal[P].page].ord >= page[cur].low ->`}),
	broken("pages go before the word has moved on", "READERS=0 OTHERS=1 CLOSER=1 MAXEVENTS=1 ROOM=1", change{
		`		:: seq <= page[P].base -> goto withdraw
`,
		`		:: false -> skip
`}),
	broken("a page goes one event early", "READERS=0 FIRST=3 OTHERS=1 MAXEVENTS=3 ROOM=1", change{
		`page[i].base + page[i].n >= OLDEST(w + n, after) -> break`,
		`page[i].base + page[i].n > OLDEST(w + n, after) -> break`}),
	broken("a larger directory forgets a page", "READERS=0 FIRST=3 OTHERS=1 MAXEVENTS=3 ROOM=1", change{
		`			ENTRY(x, k) = (i && page[i].ord == k -> i : 0);`,
		`			ENTRY(x, k) = 0;`}),
	broken("a reader loads dir before cur", "FIRST=2 OTHERS=1 ROOM=1", change{
		`		hasPage[me] = cur;
		/* go: cursor.go Next: dir :=`,
		`		hasDir[me] = dir;
		/* go: cursor.go Next: dir :=`}, change{
		`		hasDir[me] = dir;
		/* go: cursor.go Next: newest =`,
		`		hasPage[me] = cur;
		/* go: cursor.go Next: newest =`}),
	broken("a reader loads cur before the word", "FIRST=1 OTHERS=1 ROOM=1", change{
		`	:: atomic {
		/* go: cursor.go Next: word, seq :=`,
		`	:: hasPage[me] = cur;
		atomic {
		/* go: cursor.go Next: word, seq :=`}, change{
		`		hasPage[me] = cur;
		/* go: cursor.go Next: dir :=`,
		`		/* go: cursor.go Next: dir :=`}),
	broken("a guess is taken for the page", "FIRST=3 OTHERS=1 MAXEVENTS=3", change{
		`			:: s > page[hasHit[me]].base && s <= page[hasHit[me]].base + page[hasHit[me]].n
`,
		`			:: hasHit[me] && s > page[hasHit[me]].base
`}),
	broken("the first page is taken for one with events", "FIRST=1 OTHERS=1", change{
		`none = w == 0 || hasPage[me] == 0`,
		`none = hasPage[me] == 0`}),
	broken("an entry of a retained event is reused", "READERS=0 OTHERS=1 INDEX=1", change{
		`#define DEAD(entry) ((entry) < first)`,
		`#define DEAD(entry) ((entry) <= first)`}),
	broken("IDs that find no place are not looked for", "READERS=0 OTHERS=1 INDEX=1 CELLS=1 MAXEVENTS=3", change{
		`			:: hit == 0 && index[INDEXED].lost >= first ->`,
		`			:: false ->`}),
	broken("growth forgets the index", "READERS=0 OTHERS=1 INDEX=1", change{
		`			:: k >= first && k <= w -> enter(x, k)
			:: else
			fi;
			if
			:: index[INDEXED].size == 2`,
		`			:: false -> skip
			:: else
			fi;
			if
			:: index[INDEXED].size == 2`}),
	broken("an imitation is not respected", "READERS=0 OTHERS=1 INDEX=1 IMITATED=2", change{
		`	:: want[0] == NONE && imitate ->`,
		`	:: false ->`}),
	broken("the duplicate check is not made", "READERS=0 FIRST=1 OTHERS=1 INDEX=1", change{
		`	:: want[0] != NONE -> find(want[0], 1)`,
		`	:: want[0] != NONE -> skip`}),
	broken("nobody helps", "READERS=0 OTHERS=1", change{
		`		:: P && page[P].base == w -> goto settle
`,
		`		:: false -> goto settle
`}).forever(),
	broken("a busy ring is waited for", "READERS=0 OTHERS=1", change{
		`		busy = state == BUSY;
`,
		`		if
		:: state == BUSY -> goto again
		:: else
		fi;
`}).forever(),
}
