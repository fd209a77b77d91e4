//go:build model

package model

// A mutant is a model with something left out or turned round, and a small run that must refute it.
type mutant struct {
	run
	changes []change
}

type change struct{ from, to string }

func ring(name, defines string, changes ...change) mutant {
	return mutant{run{name: name, file: "ring.pml", defines: defines}, changes}
}

func chunks(name, defines string, changes ...change) mutant {
	return mutant{run{name: name, file: "chunks.pml", defines: defines}, changes}
}

func (m mutant) forever() mutant {
	m.livelock = true
	return m
}

var mutants = []mutant{
	ring("a writer does not look at the tail again", "READERS=0 FIRST=3 OTHERS=1", change{
		`		:: tail != lseq || closed -> forget(); goto again
		:: else
		fi;
		if
		/* go: append.go append: t.mayHold(old, seq)`,
		`		:: false -> skip
		:: else
		fi;
		if
		/* go: append.go append: t.mayHold(old, seq)`}),
	ring("the index comes after the tail", "READERS=0 FIRST=1 OTHERS=1", change{
		`	:: enters -> insert()`,
		`	:: false -> skip`}, change{
		`			/* go: append.go append: return rec, seq, nil */
`,
		`			:: enters ->
				insert();
				forget();
				goto again
`}),
	ring("the duplicate check comes before the tail is read", "READERS=0 FIRST=1 OTHERS=1 MAXEVENTS=1 SLOTS=2", change{
		`	/* The plans read only what`,
		`	atomic {
		lseq = tail;
		lcount = count;
		old = SLOT(t, lseq + 1);
		if
		:: old == lseq + 1 || old == FROZEN || TIGHT(t, lcount) || t != current -> forget(); goto again
		:: else
		fi
	};
	/* The plans read only what`}),
	ring("as many slots as events", "READERS=0 OTHERS=1", change{
		`((count) + 1 >= table[t].size && table[t].size <= MAXEVENTS)`,
		`((count) + 1 >= table[t].size && table[t].size < MAXEVENTS)`}),
	ring("a slot of another lap is taken for a claim", "READERS=0 MAXEVENTS=1 SLOTS=2", change{
		`		:: old == lseq + 1 -> goto help
		/* go: append.go append: old == frozen`,
		`		:: old != 0 && old != FROZEN -> goto help
		/* go: append.go append: old == frozen`}),
	ring("a table is copied without freezing it", "READERS=0 FIRST=1 OTHERS=1", change{
		`				SLOT(t, lseq + 1) = FROZEN;`,
		`				skip;`}),
	ring("a table is frozen without another look at the tail", "READERS=0 MAXEVENTS=1 SLOTS=2 FIRST=1 OTHERS=4 INDEX=0 WIDER=1", change{
		`		:: tail != lseq || closed -> forget(); goto again
		:: else
		fi;
		if
		/* go: table.go grow: w != frozen */`,
		`		:: false -> skip
		:: else
		fi;
		if
		/* go: table.go grow: w != frozen */`}),
	ring("a table takes another's place without comparing", "READERS=0 FIRST=1 OTHERS=1", change{
		`			:: current == t ->
				k = 1;`,
		`			:: true ->
				k = 1;`}),
	ring("growth forgets a bucket", "READERS=0 MAXEVENTS=3 OTHERS=1", change{
		`			:: RETAINED(lseq, lcount, table[t].cell[0]) -> enter(table[t].cell[0])`,
		`			:: false -> skip`}),
	ring("growth forgets that IDs are lost", "READERS=0 MAXEVENTS=3 BUCKETS=1 OTHERS=1 WIDER=1", change{
		`			:: newlost < s -> newlost = s`,
		`			:: false -> skip`}),
	ring("an entry of a retained event is reused", "READERS=0 OTHERS=1", change{
		`((entry) < OLDEST(lseq, lcount))`,
		`((entry) <= OLDEST(lseq, lcount))`}),
	ring("an entry newer than the caller's tail is dead", "READERS=0", change{
		`((entry) < OLDEST(lseq, lcount))`,
		`((entry) < OLDEST(lseq, lcount) || (entry) > lseq)`}),
	ring("a cell is taken without comparing", "READERS=0 FIRST=1 OTHERS=3", change{
		`		:: table[t].cell[which - 1] == cell ->`,
		`		:: true ->`}),
	ring("a cell that has come alive is taken", "READERS=0 FIRST=1 OTHERS=3", change{
		`		:: !DEAD(cell) ->`,
		`		:: false ->`}),
	ring("IDs that find no place are not looked for", "READERS=0 MAXEVENTS=3 BUCKETS=1", change{
		`			:: hit == 0 && table[t].lost >= OLDEST(lseq, lcount) ->`,
		`			:: false ->`}),
	ring("an imitation is not respected", "READERS=0 OTHERS=1 IMITATED=2", change{
		`	:: want == NONE && imitate ->`,
		`	:: false ->`}),
	ring("the table is read before the flag of own IDs is set", "READERS=0 FIRST=1 OTHERS=1", change{
		`	:: !table[t].indexed && ownIDs && (want`,
		`	:: false && (want`}),
	ring("a helper does not index", "READERS=0 FIRST=1 OTHERS=1", change{
		`			enters = kept[lseq + 1];
			goto publish`,
		`			goto publish`}),
	ring("nobody helps", "READERS=0 FIRST=1 OTHERS=1", change{
		`		:: old == lseq + 1 -> goto help
		/* go: append.go append: old == frozen`,
		`		:: old == lseq + 1 -> forget(); goto again
		/* go: append.go append: old == frozen`}).forever(),
	ring("closing is not in the tail word", "READERS=0 FIRST=1 OTHERS=1 CLOSER=1", change{
		`		:: tail == lseq && !closed ->
			/* Waking`,
		`		:: tail == lseq ->
			/* Waking`}),
	ring("a reader does not look at the tail again", "MAXEVENTS=1 SLOTS=2 OTHERS=1 INDEX=0", change{
		`			assert(seq < OLDEST(tail, count) || word == seq);`,
		`			assert(word == seq);`}),

	chunks("a record in a sealed chunk is claimed", "READERS=0 FIRST=1 OTHERS=3 LARGE=0 ROOM=1", change{
		`		draft && (chunk[draft].own || serial == mark) ->`,
		`		draft ->`}),
	chunks("a chunk is stamped with a tail from before it was sealed", "WRITERS=3 FIRST=1 OTHERS=1 READERS=0 LARGE=0 GIVEUP=0", change{
		`	atomic {
		advance(next);`,
		`	stamp = tail + 2;
	atomic {
		advance(next);`}, change{
		`		stamp = tail + 2;
		d_step {
			if
			:: chunk[directory[dir].cur].dead == 0`,
		`		d_step {
			if
			:: chunk[directory[dir].cur].dead == 0`}),
	chunks("a chunk is stamped one too low", "READERS=0 LARGE=0", change{
		`		stamp = tail + 2;
		d_step {`,
		`		stamp = tail + 1;
		d_step {`}),
	chunks("a chunk goes one event early", "READERS=0 LARGE=0", change{
		`		:: chunk[directory[dir].chunk[n]].dead != 0 && oldest >= chunk`,
		`		:: chunk[directory[dir].chunk[n]].dead != 0 && oldest + 1 >= chunk`}),
	chunks("a large draft is stamped like a shared chunk", "READERS=0", change{
		`:: chunk[directory[dir].chunk[n]].dead == 0 && !chunk[directory[dir].chunk[n]].own ->`,
		`:: chunk[directory[dir].chunk[n]].dead == 0 ->`}),
	chunks("a large record is not stamped before it is published", "READERS=0 FIRST=1 OTHERS=2", change{
		`			:: chunk[draft].dead == 0 -> chunk[draft].dead = lseq + 2
			:: else
			fi
		}
	:: else
	fi;
publish:`,
		`			:: else
			fi
		}
	:: else
	fi;
publish:`}),
	chunks("a helper does not look at the tail again", "READERS=0", change{
		`		/* go: append.go help: r.tail.Load() != tail */
		if
		:: tail != lseq ->`,
		`		if
		:: false ->`}),
	chunks("a reader does not look at the tail again", "OTHERS=1 LARGE=0", change{
		`			assert(seq < OLDEST(tail, count) ||
				directory`,
		`			assert(
				directory`}),
	chunks("a draft that is given up frees what lies beyond it", "READERS=0 LARGE=0", change{
		`				:: serial == mark && used == at + 1 -> used = at`,
		`				:: serial == mark && used > at -> used = at`}),
	chunks("space is taken without comparing serials", "READERS=0 FIRST=3 LARGE=0 ROOM=1", change{
		`	:: serial == directory[dir].serial && directory[dir].cur && used < ROOM ->`,
		`	:: directory[dir].cur && used < ROOM ->`}),
	chunks("a directory takes another's place without comparing", "READERS=0 FIRST=1 OTHERS=1", change{
		`	:: current == dir ->
		k = 1;`,
		`	:: true ->
		k = 1;`}),
	chunks("losers get shared chunks without end", "READERS=0 LARGE=0 ROOM=1 WASTE=1 GIVEUP=0 FIRST=3 OTHERS=3", change{
		`alone = made >= WASTE;`,
		`alone = 0;`}),
	chunks("a sweep that loses does not begin again", "READERS=0 OTHERS=1", change{
		`		:: !swapped ->
			drop(dir);
			goto sweep
		:: else -> swapped = 0`,
		`		:: swapped = 0`}),
	chunks("only who installs a chunk moves reservations on", "READERS=0 FIRST=1 OTHERS=1 LARGE=0", change{
		`			advance(dir);
			drop(dir)
		};
		goto reserve`,
		`			drop(dir)
		};
		goto reserve`}).forever(),
}
