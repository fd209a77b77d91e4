/*
 * The ring's protocol: what Append, AppendAll, Seek, Next and Close do to the word, the proposal, the newest page, the directory with its
 * entries and the index, with owners that are overtaken, proposers that race, and helpers that sleep for however many laps.
 *
 * One step is one access of the Go code to shared memory, with the private work around it; where it is more, a comment says why that makes
 * no difference. A comment of the form
 *
 *   go: <file> <function>: <source>
 *
 * stands before the step that the quoted source of package ring makes. The tests hold the quotations against that source, in order.
 *
 * What is smaller than in Go: a page has ROOM slots, entries double from SMALLEST places on, an index has one bucket and then two, of one
 * cell each, in which all IDs collide, so that confirming a hit, reusing dead cells and losing an ID all happen; a writer appends a few
 * times. What is larger: nobody is patient, whoever appends may evict all that is there, as events that differ in size do, and a page may
 * be full, in bytes, at any time (TIGHT).
 */

#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef FIRST /* appends of the first writer */
#define FIRST 2
#endif
#ifndef OTHERS /* appends of every other writer */
#define OTHERS 2
#endif
#ifndef HELPERS /* they append nothing, and settle a proposal that they find */
#define HELPERS 0
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef MAXEVENTS
#define MAXEVENTS 2
#endif
#ifndef BATCH /* events of the largest append */
#define BATCH 1
#endif
#ifndef ROOM /* slots of a page, at least BATCH */
#define ROOM 2
#endif
#ifndef TIGHT /* 1: a page may be full in bytes before its slots are used */
#define TIGHT 0
#endif
#ifndef SMALLEST /* entries of the first directory that has any */
#define SMALLEST 1
#endif
#ifndef ENTRIES /* of the largest */
#define ENTRIES 4
#endif
#ifndef INDEX /* 0: none, all IDs are assigned */
#define INDEX 0
#endif
#ifndef CELLS /* of the largest index, 1 or 2 */
#define CELLS 2
#endif
#ifndef CLOSER /* 1: somebody closes the ring */
#define CLOSER 0
#endif
#ifndef STOPPER /* 1: one writer stops for ever, anywhere */
#define STOPPER 0
#endif
#ifndef OBJECTS /* numbers for what proposals consist of */
#define OBJECTS 9
#endif

#define ACTORS (WRITERS + HELPERS + READERS)

/* IDs: that of sequence n is n, or with z zeros before it n+16z. X imitates sequence IMITATED, Y nothing. */
#ifndef IMITATED
#define IMITATED 3
#endif
#define NONE 0
#define X IMITATED
#define Y 255
#define ASSIGNED(s, zeros) ((s) + 16 * (zeros))
#define CANONICAL(id) ((id) < 16)

/* What a slot holds. It is written once, and what is published is the owner's or the proposal's to the end. */
#define UNWRITTEN 0
#define WRITTEN 1
#define PUBLISHED 2

typedef Page {
	byte base;        /* the sequence before its first */
	byte ord;         /* from 1 */
	byte low;         /* ordinal of the oldest page retained when it was made */
	byte n;           /* events, once it is complete */
	byte state[ROOM];
	byte id[ROOM];
	bit kept[ROOM];   /* its ID is found through the index */
	byte count[ROOM]; /* events retained once this one is visible */
};

/* A proposal's page has the number of the proposal, and so have its directory, its entries and its index, where it has any of its own. */
typedef Proposal {
	byte n;    /* events; 0: there is no such proposal */
	byte page; /* cur as read; page 0 is that of an empty ring */
	byte dir;  /* dir as read; directory 0 has no entries and no index */
	bit newdir;
	byte first; /* the oldest retained before */
	bit won;
};

typedef Directory {
	byte entries; /* 0: none */
	byte index;   /* 0: none */
};

typedef Entries {
	byte size;
	byte page[ENTRIES];
};

typedef Index {
	byte size;
	byte cell[CELLS]; /* the sequences of entries; their tags are all the same */
	byte lost;
};

/* Objects that the collector frees: a number is used again once nobody can reach anything of that number. */
Page page[OBJECTS];
Proposal proposal[OBJECTS];
Directory directory[OBJECTS];
Entries entries[OBJECTS];
Index index[OBJECTS];

/* What goroutines have pointers to. */
byte hasProposal[ACTORS];
byte hasOld[ACTORS];  /* another proposal */
byte hasPage[ACTORS];
byte hasHit[ACTORS];  /* another page */
byte hasDir[ACTORS];

/* The word. */
#define IDLE 0
#define BUSY 1
#define SEALED 2
byte seq;
unsigned state : 2;
bit closed;

byte prop, cur, dir;
bit imitate; /* a flag: somebody appends an ID that looks like an assigned one */

byte count;    /* events retained, as the newest slot has it */
bit inside[24]; /* the event of that sequence is not the last of its append */
#if CLOSER
byte last;     /* the newest sequence when the ring was closed */
#endif
byte finished; /* writers */
#if STOPPER
byte halted;   /* 1 + the writer that has stopped */
#endif

hidden byte i, j, k, lo, hi, mid, found, total;
hidden short proposals, pages, directories, lists, indexes;

#define OLDEST(seq, count) ((seq) - (count) + 1)
#define BIT(object) (1 << (object))
#define ENTRY(e, ord) entries[e].page[(ord) & (entries[e].size - 1)]

/* Drops what nobody can reach. */
inline collect() {
	proposals = BIT(prop);
	pages = BIT(cur);
	directories = BIT(dir);
	lists = 0;
	indexes = 0;
	i = 0;
	do
	:: i < ACTORS ->
		proposals = proposals | BIT(hasProposal[i]) | BIT(hasOld[i]);
		pages = pages | BIT(hasPage[i]) | BIT(hasHit[i]);
		directories = directories | BIT(hasDir[i]);
		i++
	:: else -> break
	od;
	i = 1;
	do
	:: i < OBJECTS ->
		if
		:: proposals & BIT(i) ->
			pages = pages | BIT(i) | BIT(proposal[i].page);
			directories = directories | BIT(proposal[i].dir);
			if
			:: proposal[i].newdir -> directories = directories | BIT(i)
			:: else
			fi
		:: else ->
			if
			:: proposal[i].n ->
				proposal[i].n = 0;
				proposal[i].page = 0;
				proposal[i].dir = 0;
				proposal[i].newdir = 0;
				proposal[i].first = 0;
				proposal[i].won = 0
			:: else
			fi
		fi;
		i++
	:: else -> break
	od;
	i = 1;
	do
	:: i < OBJECTS ->
		if
		:: directories & BIT(i) ->
			lists = lists | BIT(directory[i].entries);
			indexes = indexes | BIT(directory[i].index)
		:: else ->
			directory[i].entries = 0;
			directory[i].index = 0
		fi;
		i++
	:: else -> break
	od;
	i = 1;
	do
	:: i < OBJECTS ->
		if
		:: lists & BIT(i) ->
			j = 0;
			do
			:: j < entries[i].size ->
				pages = pages | BIT(entries[i].page[j]);
				j++
			:: else -> break
			od
		:: else ->
			j = 0;
			do
			:: j < entries[i].size ->
				entries[i].page[j] = 0;
				j++
			:: else -> break
			od;
			entries[i].size = 0
		fi;
		if
		:: indexes & BIT(i)
		:: else ->
			if
			:: index[i].size ->
				index[i].size = 0;
				index[i].lost = 0;
				index[i].cell[0] = 0;
				index[i].cell[CELLS-1] = 0
			:: else
			fi
		fi;
		i++
	:: else -> break
	od;
	i = 1;
	do
	:: i < OBJECTS ->
		if
		:: !(pages & BIT(i)) && page[i].ord ->
			page[i].base = 0;
			page[i].ord = 0;
			page[i].low = 0;
			page[i].n = 0;
			j = 0;
			do
			:: j < ROOM ->
				page[i].state[j] = 0;
				page[i].id[j] = 0;
				page[i].kept[j] = 0;
				page[i].count[j] = 0;
				j++
			:: else -> break
			od
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	j = 0
}

/* A search for sequence s among complete pages, from page c and directory d on: where it begins, and one look. */
inline span(c, d) {
	/* go: directory.go find: step.At(step.ReaderEntry) */
	hi = page[c].ord;
	lo = (page[c].ord > entries[directory[d].entries].size -> page[c].ord - entries[directory[d].entries].size : 0);
	found = 0
}

inline look(d, s) {
	mid = (lo + hi) / 2;
	/* go: directory.go find: p := d.page(mid) */
	/* go: directory.go page: p := d.entry(ordinal).Load(); p != nil && p.ordinal == ordinal */
	j = ENTRY(directory[d].entries, mid);
	j = (j && page[j].ord == mid -> j : 0);
	/* go: directory.go find: p != nil && p.base >= seq */
	if
	:: j && page[j].base >= s -> hi = mid
	:: else ->
		lo = mid + 1;
		found = j
	fi;
	j = 0
}

/* Sets found to the page that has s, or to 0. The code first looks where the page should be, at two entries; it
   takes what it finds there by the same test of a page's own numbers, which never change once it is complete, and
   goes on as here if that fails. So it finds the same page, and the model leaves it out. */
inline pageOf(c, d, s) {
	found = 0;
	if
	:: s > page[c].base -> found = c
	:: s <= page[c].base && directory[d].entries ->
		span(c, d);
		do
		:: lo < hi -> look(d, s)
		:: else -> break
		od;
		/* go: directory.go holding: seq > p.base+uint64(p.count.Load()) */
		found = (s > page[found].base + page[found].n -> 0 : found)
	:: else
	fi;
	lo = 0;
	hi = 0;
	mid = 0
}

/* Every retained event can be reached from cur and dir, and through the index if its ID is kept there. No append is visible in part. */
inline check() {
	assert(!inside[seq]);
#if CLOSER
	assert(!closed || seq == last);
#endif
	k = OLDEST(seq, count);
	do
	:: k <= seq ->
		pageOf(cur, dir, k);
		assert(found && k - page[found].base <= ROOM && page[found].state[k - page[found].base - 1] == PUBLISHED);
		assert(found == cur || k <= page[found].base + page[found].n);
#if INDEX
		if
		:: page[found].kept[k - page[found].base - 1] ->
			i = directory[dir].index;
			assert(i && (index[i].cell[0] == k || index[i].size == 2 && index[i].cell[CELLS-1] == k || index[i].lost >= OLDEST(seq, count)));
			i = 0
		:: else
		fi;
#endif
		k++
	:: else -> break
	od;
	k = 0;
	found = 0
}

/* All that is retained at w can be reached from what has been loaded, unless the word has moved on since. */
inline reachable() {
	k = first;
	do
	:: k <= w && seq == w ->
		pageOf(hasPage[me], hasDir[me], k);
		assert(found && page[found].state[k - page[found].base - 1] == PUBLISHED);
		k++
	:: else -> break
	od;
	k = 0;
	found = 0
}

/* Makes so many events, from slot of page p on, visible. */
inline publish(p, slot, many) {
	total = page[p].count[slot + many - 1];
	i = 0;
	do
	:: i < many ->
		assert(page[p].state[slot + i] == WRITTEN && page[p].base + slot == seq);
		/* No ID is retained twice. */
		k = OLDEST(seq, count);
		do
		:: k <= seq ->
			pageOf(cur, dir, k);
			assert(page[found].id[k - page[found].base - 1] != page[p].id[slot + i]);
			k++
		:: else -> break
		od;
		inside[seq + i + 1] = i < many - 1;
		i++
	:: else -> break
	od;
	assert(many == 1 || page[p].id[slot] != page[p].id[slot + many - 1]);
	i = 0;
	do
	:: i < many ->
		page[p].state[slot + i] = PUBLISHED;
		i++
	:: else -> break
	od;
	assert(total >= many && total <= MAXEVENTS && total <= count + many);
	/* What is evicted is forgotten, so that the states that follow do not differ in it. */
	k = OLDEST(seq, count);
	do
	:: k < OLDEST(seq + many, total) ->
		pageOf(cur, dir, k);
		page[found].id[k - page[found].base - 1] = 0;
		page[found].kept[k - page[found].base - 1] = 0;
		page[found].count[k - page[found].base - 1] = 0;
		inside[k] = 0;
		k++
	:: else -> break
	od;
	seq = seq + many;
	state = IDLE;
	count = total;
	total = 0;
	k = 0;
	i = 0;
	check()
}

#define DEAD(entry) ((entry) < first)
#define INDEXED directory[hasDir[me]].index

/* Sets hit to s if sequence s is retained at w and has the ID that is sought. Looking up its page takes several steps in Go. While the word
   stands each of them finds what the others do, which reachable() asserts; once it has moved on, whoever appends begins again, and who
   seeks may miss what has gone. */
inline confirm(s) {
	if
	:: s >= first && s <= w ->
		pageOf(hasPage[me], hasDir[me], s);
		if
		:: found && page[found].id[s - page[found].base - 1] == sought ->
			assert(page[found].state[s - page[found].base - 1] == PUBLISHED);
			hit = s
		:: else
		fi;
		found = 0
	:: else
	fi
}

/* Remembers what the chosen cell holds, unless that is alive by now. */
inline open(x) {
	if
	:: which ->
		/* go: index.go emptier: v.old = v.cell.Load(); v.old&seqMask >= first */
		cell = index[x].cell[which - 1];
		if
		:: !DEAD(cell) ->
			cell = 0;
			which = 0
		:: else
		fi
	:: else
	fi
}

/* Sets hit to the sequence of an event retained at w that has the ID, or to 0. Who chooses also learns which cell the ID may go into, and
   what it holds. Go looks at a bucket for dead entries and then for the ID, which is one step here: what takes the place of an entry in
   between is not retained at w. */
inline find(wanted, chooses) {
	d_step {
		sought = wanted;
		hit = 0;
		/* go: index.go find: seq, ok := r.assignedSeq(id); ok */
		if
		:: CANONICAL(sought) -> confirm(sought)
		:: else
		fi
	};
	if
	:: hit == 0 && INDEXED ->
		d_step {
			/* go: index.go find: deadA, hit := a.look(tag, v.first) */
			/* go: index.go look: w := b[i].Load() */
			if
			:: chooses && DEAD(index[INDEXED].cell[0]) -> which = 1
			:: else
			fi;
			/* go: index.go find: v.lookUp(a, id, tag) */
			/* go: index.go lookUp: w := b[i].Load(); w>>tagPos == uint64(tag) */
			confirm(index[INDEXED].cell[0])
		};
#if CELLS == 2
		d_step {
			if
			/* go: index.go find: deadB, hit := b.look(tag, v.first) */
			/* go: index.go find: v.lookUp(b, id, tag) */
			:: hit == 0 && index[INDEXED].size == 2 ->
				if
				:: chooses && !which && DEAD(index[INDEXED].cell[1]) -> which = 2
				:: else
				fi;
				confirm(index[INDEXED].cell[1])
			:: else
			fi
		};
#endif
		d_step {
			/* go: index.go find: x.lost().Load() >= v.first */
			if
			:: hit == 0 && index[INDEXED].lost >= first ->
				j = first;
				do
				:: hit == 0 && j <= w ->
					i = j;
					confirm(i);
					j = i + 1
				:: else -> break
				od;
				i = 0;
				j = 0
			:: else
			fi;
			/* go: index.go find: emptier(a, b, deadA, deadB, v.first) */
			open(INDEXED);
			if
			:: hit ->
				cell = 0;
				which = 0
			:: else
			fi;
			sought = 0
		}
	:: else -> sought = 0
	fi
}

/* Enters sequence s into index x, in the cell that find has chosen if it still holds what it held. */
inline insert(x, s) {
	do
	:: atomic {
		which ->
		/* go: index.go insert: step.At(step.Inserting) */
		/* go: index.go insert: v.cell != nil && v.cell.CompareAndSwap(v.old, entry) */
		if
		:: index[x].cell[which - 1] == cell ->
			d_step {
				assert(s > cell);
				index[x].cell[which - 1] = s;
				check();
				cell = 0;
				which = 0
			};
			break
		:: else ->
			cell = 0;
			which = 0
		fi
		}
	:: atomic {
		!which ->
		/* go: index.go insert: deadA, _ := a.look(0, first) */
		which = (DEAD(index[x].cell[0]) -> 1 : 0)
		};
#if CELLS == 2
		/* go: index.go insert: deadB, _ := b.look(0, first) */
		which = (!which && index[x].size == 2 && DEAD(index[x].cell[1]) -> 2 : which);
#endif
		if
		:: atomic {
			!which ->
			/* go: index.go insert: lost := x.lost().Load() */
			/* go: index.go insert: lost >= seq || x.lost().CompareAndSwap(lost, seq) */
			/* A loop that only ever raises a number does in one step what it does in many. */
			if
			:: index[x].lost < s -> index[x].lost = s
			:: else
			fi;
			break
			}
		:: d_step {
			which ->
			open(x)
			}
		fi
	od
}

/* Enters sequence s into the private index of proposal x. */
inline enter(x, s) {
	if
	:: index[x].cell[0] == 0 -> index[x].cell[0] = s
	:: index[x].cell[0] != 0 && index[x].size == 2 && index[x].cell[CELLS-1] == 0 -> index[x].cell[CELLS-1] = s
	:: else ->
		if
		:: index[x].lost < s -> index[x].lost = s
		:: else
		fi
	fi
}

/* What a goroutine knows is forgotten at once, so that the states that follow do not differ in it. */
inline forget() {
	d_step {
		hasProposal[me] = 0;
		hasOld[me] = 0;
		hasPage[me] = 0;
		hasHit[me] = 0;
		hasDir[me] = 0;
		w = 0;
		first = 0;
		busy = 0;
		after = 0;
		zeros = 0;
		hit = 0;
		sought = 0;
		cell = 0;
		which = 0;
		mine = 0;
		saw = 0;
		at = 0;
		upto = 0;
		into = 0;
		list = 0;
		collect()
	}
}

/* The ID of the m-th event. */
#define ID(m) (want[m] == NONE -> ASSIGNED(w + 1 + (m), (m == 0 -> zeros : 0)) : want[m])
#define KEPT(m) (want[m] != NONE || (m) == 0 && zeros > 0)

/* Writes the events into page p from slot s on. */
inline fill(p, s) {
	j = 0;
	do
	:: j < n ->
		/* Nobody has written here, and nobody reads it yet. */
		assert(page[p].state[s + j] == UNWRITTEN);
		page[p].state[s + j] = WRITTEN;
		page[p].id[s + j] = ID(j);
		page[p].kept[s + j] = KEPT(j);
		page[p].count[s + j] = after;
		j++
	:: else -> break
	od;
	j = 0
}

/* The proposal that puts the events into a page of their own. What it reads of the directory, its pages and the index does not change while
   the word stands; if the word has moved on the proposal is never sealed. So building it takes one step. */
inline build(x) {
	proposal[x].n = n;
	proposal[x].page = hasPage[me];
	proposal[x].dir = hasDir[me];
	proposal[x].first = first;
	page[x].base = w;
	page[x].ord = page[hasPage[me]].ord + 1;
	lo = page[hasPage[me]].low;
	lo = (lo == 0 -> 1 : lo);
	/* go: proposal.go proposal: x.next = r.nextPage(p, n) */
	/* go: proposal.go nextPage: o := p.dir.page(next.oldest); o != nil && o.base+uint64(o.count.Load()) >= p.kept */
	do
	:: lo < page[hasPage[me]].ord ->
		i = (directory[hasDir[me]].entries -> ENTRY(directory[hasDir[me]].entries, lo) : 0);
		if
		:: i && page[i].ord == lo && page[i].base + page[i].n >= OLDEST(w + n, after) -> break
		:: else
		fi;
		lo++
	:: else -> break
	od;
	if
	:: lo == page[hasPage[me]].ord && w < OLDEST(w + n, after) -> lo++
	:: else
	fi;
	page[x].low = lo;
	lo = 0;
	i = 0;
	/* go: proposal.go proposal: end := r.write(x.next, p, es, ids, 0, x.next.start()) */
	fill(x, 0);
	/* The directory. */
	directory[x].entries = directory[hasDir[me]].entries;
	directory[x].index = directory[hasDir[me]].index;
	if
	:: page[hasPage[me]].ord > 0 && page[hasPage[me]].ord - page[hasPage[me]].low >= entries[directory[hasDir[me]].entries].size ->
		k = (directory[hasDir[me]].entries -> entries[directory[hasDir[me]].entries].size : SMALLEST);
		do
		:: k < page[hasPage[me]].ord - page[hasPage[me]].low + 1 -> k = 2 * k
		:: else -> break
		od;
		assert(k <= ENTRIES);
		/* go: proposal.go proposal: entries = p.dir.grown(c.oldest, c.ordinal) */
		/* go: directory.go grown: p := d.page(ordinal); p != nil */
		/* go: directory.go grown: entries[ordinal&uint64(n-1)].Store(p) */
		entries[x].size = k;
		k = page[hasPage[me]].low;
		do
		:: k < page[hasPage[me]].ord && directory[hasDir[me]].entries ->
			i = ENTRY(directory[hasDir[me]].entries, k);
			ENTRY(x, k) = (i && page[i].ord == k -> i : 0);
			k++
		:: else -> break
		od;
		i = 0;
		k = 0;
		directory[x].entries = x;
		proposal[x].newdir = 1
	:: else
	fi;
#if INDEX
	if
	:: crowded ->
		/* go: proposal.go proposal: p.larger.catchUp(r, &p.view, n) */
		k = index[INDEXED].size;
		index[x].size = (k == 0 -> 1 : CELLS);
		/* What an earlier try has copied into an index of its own it need not copy again: those entries stay what they are. */
		/* go: index.go catchUp: old.lost().Load() >= v.first */
		if
		:: k && index[INDEXED].lost >= first ->
			k = first;
			do
			:: k <= w ->
				pageOf(hasPage[me], hasDir[me], k);
				if
				:: found && page[found].kept[k - page[found].base - 1] -> enter(x, k)
				:: else
				fi;
				k++
			:: else -> break
			od
		:: k && index[INDEXED].lost < first ->
			/* go: index.go catchUp: w := old[i][j].Load(); w&seqMask >= v.first && w&seqMask <= v.newest */
			k = index[INDEXED].cell[0];
			if
			:: k >= first && k <= w -> enter(x, k)
			:: else
			fi;
			if
			:: index[INDEXED].size == 2 ->
				k = index[INDEXED].cell[CELLS-1];
				if
				:: k >= first && k <= w -> enter(x, k)
				:: else
				fi
			:: else
			fi
		:: else
		fi;
		k = 0;
		found = 0;
		crowded = 0;
		directory[x].index = x;
		proposal[x].newdir = 1
	:: else
	fi;
#endif
	if
	:: !proposal[x].newdir ->
		directory[x].entries = 0;
		directory[x].index = 0
	:: else
	fi
}

#define P hasProposal[me]
/* The directory once P is published. */
#define AFTERDIR (proposal[P].newdir -> P : proposal[P].dir)

proctype Appender(byte me; byte appends) {
	byte want[BATCH];  /* the IDs; NONE: to be assigned */
	byte n;            /* events */
	byte w;            /* the sequence in the word as read */
	byte first;        /* the oldest retained at w */
	byte after;        /* how many are retained once the events are visible */
	byte zeros;
	byte sought, hit, cell;
	unsigned which : 2;
	bit busy;          /* there is an owner that is not waited for */
	bit crowded;          /* the index is, or there is none */
	bit mine;          /* the proposal that is settled is one's own */
	unsigned saw : 2;  /* what the word said before it is sealed */
	byte at, upto;
	byte into;         /* an index */
	byte list;         /* entries */
	{
	goto next;
next:
	atomic {
		d_step {
			n = 0;
			want[0] = 0;
			want[BATCH-1] = 0
		};
		if
		:: me >= WRITERS -> goto meet
		:: me < WRITERS && appends == 0 -> goto end
		:: me < WRITERS && appends > 0 -> appends--
		fi;
		n = 1;
#if INDEX
		if
		:: want[0] = NONE
		:: want[0] = X
		:: want[0] = Y
		fi;
#endif
#if BATCH == 2
		if
		:: n = 2
#if INDEX
		:: want[0] != X ->
			n = 2;
			want[1] = X
#endif
		:: true
		fi;
#endif
		/* go: append.go check: r.books.Or(imitated) */
		if
		:: want[0] == X || want[BATCH-1] == X -> imitate = 1
		:: else
		fi
	};
again:
	atomic {
		/* go: append.go AppendTo: word := r.word.Load() step.At(step.WordRead) */
		/* go: append.go appendAll: word := r.word.Load() step.At(step.WordRead) */
		w = seq;
		busy = state == BUSY;
		if
		/* go: append.go appendAll: word&closedBit != 0 */
		:: closed -> forget(); goto next
		/* go: append.go appendAll: word&sealedBit != 0 */
		/* go: append.go appendAll: x := r.prop.Load(); x != nil && x.seq == seqOf(word)+1 */
		:: !closed && state == SEALED -> goto helpful
		:: else
		fi
	};
	/* go: append.go AppendTo: c := r.cur.Load() step.At(step.PageRead) */
	/* go: plan.go plan: p.cur = r.cur.Load() step.At(step.PageRead) */
	hasPage[me] = cur;
	atomic {
		/* go: append.go AppendTo: r.dir.Load() */
		/* go: plan.go plan: p.dir = r.dir.Load() step.At(step.DirectoryRead) */
		hasDir[me] = dir;
		/* go: plan.go plan: p.cur.base >= p.newest */
		if
		:: hasPage[me] && page[hasPage[me]].base >= w -> forget(); goto again
		:: else
		fi;
		/* What is published does not change: reading it is no step. */
		d_step {
			if
			:: hasPage[me] ->
				assert(page[hasPage[me]].state[w - page[hasPage[me]].base - 1] == PUBLISHED);
				first = OLDEST(w, page[hasPage[me]].count[w - page[hasPage[me]].base - 1]);
				assert(seq != w || first == OLDEST(seq, count));
				first = (seq != w -> w + 1 : first) /* what has gone has been forgotten; nothing comes of it */
			:: else -> first = 1
			fi;
			/* go: plan.go evict: at = p.page(p.kept); at == nil */
			/* go: plan.go costs: at := p.page(seq) */
			/* go: plan.go last: p.base + uint64(p.count.Load()) */
			reachable()
		}
	};
#if INDEX
	/* go: plan.go identify: imitated := r.books.Load()&imitated != 0 */
	if
	/* go: append.go AppendTo: r.find(&v, e.ID, tag) */
	/* go: plan.go identify: r.find(&p.view, es[i].ID, id.tag) */
	:: want[0] != NONE -> find(want[0], 1)
	/* go: append.go AppendTo: r.books.Load()&imitated != 0 */
	:: want[0] == NONE && imitate ->
		/* go: plan.go identify: free = r.unusual(p, id, next, es) */
		/* go: id.go unusual: r.find(&p.view, text, tag) */
		do
		:: find(ASSIGNED(w + 1, zeros), 1);
			if
			:: hit -> 
				zeros++;
				hit = 0
			:: else -> break
			fi
		od;
		if
		:: zeros == 0 ->
			cell = 0;
			which = 0
		:: else
		fi
	:: else
	fi;
#if BATCH == 2
	if
	:: hit == 0 && n == 2 ->
		if
		:: want[1] != NONE ->
			at = which;
			upto = cell;
			find(want[1], 0);
			d_step {
				which = at;
				cell = upto;
				at = 0;
				upto = 0
			}
		:: else
		fi
	:: else
	fi;
#endif
	if
	:: atomic {
		hit ->
		/* go: append.go appendAll: return at, seq, err */
		/* ErrDuplicateID: true of the moment when the word was read. */
		d_step {
			pageOf(hasPage[me], hasDir[me], hit);
			assert(hit >= first && hit <= w);
			assert(seq != w || found);
			assert(!found || page[found].state[hit - page[found].base - 1] == PUBLISHED);
			assert(seq != w || page[found].id[hit - page[found].base - 1] == want[0] || page[found].id[hit - page[found].base - 1] == want[BATCH-1]);
			found = 0
		};
		forget();
		goto next
		}
	:: else
	fi;
#endif
	atomic {
		/* How many events go is up to their sizes. */
		d_step {
			after = w + 1 - first + n;
			after = (after > MAXEVENTS -> MAXEVENTS : after);
			first = (seq != w -> 1 : first);
			at = w - page[hasPage[me]].base;
#if INDEX
			crowded = (KEPT(0) || n == 2 && KEPT(BATCH-1)) &&
				(INDEXED == 0 || index[INDEXED].size < CELLS && after > index[INDEXED].size)
#endif
		};
		if
		:: true
		:: after > n -> after = n
		fi;
		/* go: plan.go plan: step.At(step.Planned) */
		/* go: append.go appendAll: busy || !p.fits */
		if
		:: busy || w == 0 || at + n > ROOM || crowded -> goto propose
		:: else ->
#if TIGHT
			if
			:: goto propose
			:: true
			fi
#endif
		fi
	};
	atomic {
		/* go: append.go AppendTo: step.At(step.Planned) */
		/* go: append.go AppendTo: !r.word.CompareAndSwap(word, word|busyBit) */
		/* go: append.go AppendTo: step.At(step.Owned) */
		/* go: append.go appendAll: !r.word.CompareAndSwap(word, word|busyBit) */
		/* go: append.go appendAll: step.At(step.Owned) */
		if
		:: seq == w && state == IDLE && !closed -> state = BUSY
		:: else -> forget(); goto again
		fi
	};
	/* The slots and bytes are one's own: writing them takes one step. */
	d_step {
		/* go: append.go AppendTo: c.put(s, off, e, idLen, size, after, nanos, flag) */
		/* go: append.go AppendTo: step.At(step.Written) */
		/* go: append.go appendAll: end := r.write(p.cur, &p, es, ids, slot, p.off) */
		/* go: append.go write: step.At(step.Written) */
		fill(hasPage[me], at)
	};
#if INDEX
	if
	/* go: append.go AppendTo: x.insert(uint64(tag)<<tagPos|(newest+1), newest+1-before>>costBits, free) */
	/* go: append.go appendAll: p.enter(ids) */
	:: KEPT(0) -> insert(INDEXED, w + 1)
	:: else
	fi;
#if BATCH == 2
	if
	:: n == 2 && KEPT(1) ->
		cell = 0;
		which = 0;
		insert(INDEXED, w + 2)
	:: else
	fi;
#endif
#endif
	atomic {
		/* go: append.go AppendTo: step.At(step.Publishing) */
		/* go: append.go AppendTo: !r.word.CompareAndSwap(word|busyBit, wordOf(newest+1, i+1, off+uint64(size))) */
		/* go: append.go AppendTo: step.At(step.Published) */
		/* go: append.go appendAll: step.At(step.Publishing) */
		/* go: append.go appendAll: !r.word.CompareAndSwap(word|busyBit, wordOf(p.newest+n, slot+n, end)) */
		/* go: append.go appendAll: step.At(step.Published) */
		if
		:: seq == w && state == BUSY && !closed ->
			d_step {
				assert(cur == hasPage[me]);
				publish(hasPage[me], at, n)
			};
			forget();
			goto next
		:: else ->
			/* Overtaken, or closed: nobody sees the events, now or ever. */
			assert(page[hasPage[me]].state[at] == WRITTEN);
			forget();
			goto again
		fi
	};

propose:
	atomic {
		busy = 0;
		d_step {
			k = 1;
			do
			:: page[k].ord || proposal[k].n || directory[k].entries || directory[k].index || entries[k].size || index[k].size ->
				k++;
				assert(k < OBJECTS)
			:: else -> break
			od;
			P = k;
			k = 0;
			/* go: proposal.go propose: x := r.proposal(p, es, ids) */
			build(P);
			hasPage[me] = 0;
			hasDir[me] = 0;
			after = 0;
			zeros = 0;
			cell = 0;
			which = 0;
			at = 0;
			busy = 0;
			first = 0
		}
	};
	/* The proposal that is there. */
	do
	:: atomic {
		/* go: proposal.go propose: old := r.prop.Load() step.At(step.Proposing) */
		hasOld[me] = prop
		};
		atomic {
			/* go: proposal.go propose: seqOf(r.word.Load()) != p.newest */
			if
			:: seq != w -> forget(); goto again
			:: else
			fi;
			/* go: proposal.go propose: old != nil && old.seq > p.newest */
			if
			:: hasOld[me] && page[hasOld[me]].base >= w ->
				d_step {
					hasProposal[me] = hasOld[me];
					hasOld[me] = 0;
					collect()
				};
				goto settle
			:: else
			fi
		};
		atomic {
			/* go: proposal.go propose: r.prop.CompareAndSwap(old, x) */
			/* go: proposal.go propose: step.At(step.Proposed) */
			if
			:: prop == hasOld[me] ->
				d_step {
					prop = P;
					hasOld[me] = 0;
					mine = 1;
					collect()
				};
				goto settle
			:: else ->
				d_step {
					hasOld[me] = 0;
					collect()
				}
			fi
		}
	od;

meet:
end_meet:
	/* A helper that does not append comes across a sealed word sometime. */
	atomic {
		state == SEALED && !closed -> w = seq
	};
helpful:
	atomic {
		P = prop;
		if
		:: P && page[P].base == w -> goto settle
		:: else -> forget()
		fi;
		if
		:: me >= WRITERS -> goto meet
		:: else -> goto again
		fi
	};

settle:
	atomic {
		first = proposal[P].first;
		/* go: proposal.go settle: word, sealed := r.seal(x) */
		/* go: proposal.go seal: word := r.word.Load() step.At(step.Sealing) */
		/* go: proposal.go seal: seqOf(word) != x.seq-1 || word&closedBit != 0 */
		if
		:: seq != page[P].base || closed -> goto settled
		:: else
		fi;
		/* go: proposal.go seal: word&sealedBit != 0 */
		if
		:: state == SEALED -> goto sealed
		:: else -> saw = state
		fi
	};
	atomic {
		/* go: proposal.go seal: r.word.CompareAndSwap(word, sealed) */
		if
		:: seq == page[P].base && state == saw && !closed ->
			state = SEALED;
			saw = 0
		:: else ->
			saw = 0;
			goto settle
		fi
	};
sealed:
	/* From here on everything may be done by anybody at any time, again and too late. */
	/* go: proposal.go settle: step.At(step.Sealed) */
	if
	:: proposal[P].newdir ->
		d_step {
			/* go: proposal.go settle: r.dir.CompareAndSwap(d, x.nextDir) */
			/* go: proposal.go settle: step.At(step.DirectorySwapped) */
			if
			:: dir == proposal[P].dir ->
				dir = P;
				collect();
				check()
			:: else
			fi
		}
	:: else
	fi;
	if
	:: page[proposal[P].page].ord > 0 ->
		d_step {
			/* go: proposal.go settle: x.cur.count.Store(uint32(x.seq - 1 - x.cur.base)) */
			j = page[P].base - page[proposal[P].page].base;
			assert(page[proposal[P].page].n == 0 || page[proposal[P].page].n == j);
			page[proposal[P].page].n = j;
			j = 0
		};
		do
		/* go: proposal.go settle: r.enter(d, x.cur) */
		/* go: directory.go enter: old := e.Load() step.At(step.Entering) */
		:: hasHit[me] = ENTRY(directory[AFTERDIR].entries, page[proposal[P].page].ord);
			atomic {
				/* go: directory.go enter: old != nil && old.ordinal >= p.ordinal */
				if
				:: page[hasHit[me]].ord >= page[proposal[P].page].ord -> break
				:: else
				fi;
				/* go: directory.go enter: e.CompareAndSwap(old, p) */
				if
				:: ENTRY(directory[AFTERDIR].entries, page[proposal[P].page].ord) == hasHit[me] ->
					d_step {
						ENTRY(directory[AFTERDIR].entries, page[proposal[P].page].ord) = proposal[P].page;
						hasHit[me] = 0;
						collect();
						check()
					};
					break
				:: else
				fi
			}
		od;
		atomic {
			/* go: proposal.go settle: step.At(step.Entered) */
			hasHit[me] = 0;
			d_step {
				collect()
			}
		}
	:: else
	fi;
	d_step {
		/* go: proposal.go settle: r.cur.CompareAndSwap(x.cur, x.next) */
		/* go: proposal.go settle: step.At(step.PageSwapped) */
		if
		:: cur == proposal[P].page ->
			assert(seq == page[P].base);
			cur = P;
			collect();
			check()
		:: else
		fi
	};
#if INDEX
	/* A directory says where its index is: immutable, so that it is no step. */
	atomic {
		at = 0;
		into = directory[AFTERDIR].index
	};
	do
	:: atomic {
		at < proposal[P].n ->
		if
		:: !page[P].kept[at] -> goto entered
		:: else
		fi
		};
		/* go: proposal.go settle: !d.index.has(entry) */
		/* go: index.go has: a[i].Load() == entry || b[i].Load() == entry */
		if
		:: index[into].cell[0] == page[P].base + 1 + at
#if CELLS == 2
		:: index[into].cell[0] != page[P].base + 1 + at && index[into].size == 2 && index[into].cell[1] == page[P].base + 1 + at
#endif
		/* go: proposal.go settle: d.index.insert(entry, x.first, vacancy{}) */
		:: else -> insert(into, page[P].base + 1 + at)
		fi;
entered:
		at++
	:: else -> break
	od;
	atomic {
		at = 0;
		into = 0
	};
#endif
	/* go: proposal.go settle: x.won.Store(true) */
	proposal[P].won = 1;
	atomic {
		/* go: proposal.go settle: step.At(step.Decided) */
		/* go: proposal.go settle: r.word.CompareAndSwap(word, x.word) && r.wake.Load() != nil */
		/* go: proposal.go settle: step.At(step.Published) */
		if
		:: seq == page[P].base && state == SEALED && !closed ->
			d_step {
				assert(cur == P && prop == P);
				publish(P, 0, proposal[P].n)
			}
		:: else
		fi
	};
	atomic {
		/* go: proposal.go settle: seqOf(r.word.Load()) >= x.seq */
		if
		:: seq <= page[P].base -> goto withdraw
		:: else
		fi;
		d_step {
			list = directory[AFTERDIR].entries;
			at = page[proposal[P].page].low;
			upto = page[P].low
		}
	};
	/* go: proposal.go settle: r.sweep(d, x.cur.oldest, x.next.oldest, x.kept) */
	do
	:: at < upto && list ->
		atomic {
			/* All these pages have gone. */
			/* go: directory.go sweep: p := d.page(low) */
			/* go: directory.go sweep: p.base+uint64(p.count.Load()) >= first */
			hasHit[me] = ENTRY(list, at);
			if
			:: page[hasHit[me]].ord != at -> hasHit[me] = 0
			:: else
			fi
		};
		d_step {
			/* go: directory.go sweep: step.At(step.Sweeping) */
			/* go: directory.go sweep: d.entry(low).CompareAndSwap(p, nil) */
			if
			:: hasHit[me] && ENTRY(list, at) == hasHit[me] ->
				ENTRY(list, at) = 0;
				check()
			:: else
			fi;
			hasHit[me] = 0;
			collect();
			at++
		}
	:: else -> break
	od;
	atomic {
		at = 0;
		upto = 0;
		/* go: proposal.go settle: r.retract(d, x) */
		/* go: proposal.go retract: r.look().first < x.seq */
		/* What look() tells was so when it read the word: one step. */
		if
		:: page[proposal[P].page].ord == 0 || OLDEST(seq, count) <= page[P].base ->
			list = 0;
			goto withdraw
		:: else
		fi
	};
	d_step {
		/* go: proposal.go retract: e := d.entry(p.ordinal); e.Load() == p && e.CompareAndSwap(p, nil) */
		if
		:: ENTRY(list, page[proposal[P].page].ord) == proposal[P].page ->
			ENTRY(list, page[proposal[P].page].ord) = 0;
			collect();
			check()
		:: else
		fi;
		list = 0
	};
withdraw:
	atomic {
		first = 0;
		d_step {
			/* go: proposal.go settle: step.At(step.Withdrawing) */
			/* go: proposal.go settle: r.prop.CompareAndSwap(x, nil) */
			if
			:: prop == P -> prop = 0
			:: else
			fi;
			collect()
		}
	};
settled:
	atomic {
		if
		:: me >= WRITERS -> forget(); goto end
		:: me < WRITERS && !mine -> forget(); goto again
		:: else
		fi
	};
	/* go: proposal.go propose: seqOf(r.word.Load()) >= x.seq && x.won.Load() */
	/* won was set before the word moved on, or never will be: the two loads are one step. */
	if
	:: atomic {
		seq > page[P].base && proposal[P].won ->
		d_step {
			assert(page[P].state[0] == PUBLISHED && page[P].state[n - 1] == PUBLISHED)
		};
		forget();
		goto next
		}
	:: atomic {
		else ->
		/* It was not published and never will be. */
		/* go: proposal.go propose: step.At(step.Withdrawing) */
		/* go: proposal.go propose: r.prop.CompareAndSwap(x, nil) */
		d_step {
			assert(page[P].state[0] == WRITTEN);
			assert(seq > page[P].base || closed);
			if
			:: prop == P -> prop = 0
			:: else
			fi
		};
		forget();
		goto again
		}
	fi
#if STOPPER
	} unless {
		atomic {
			halted == me + 1 ->
			forget();
			d_step {
				appends = 0;
				n = 0;
				crowded = 0;
				want[0] = 0;
				want[BATCH-1] = 0
			}
		}
	}
#else
	}
#endif
	;
end:
	atomic {
		finished++;
		/* When nobody appends any more, no page that has gone is in the directory, nor one that a helper put there late. */
		d_step {
			k = 0;
			do
			:: finished == WRITERS + HELPERS && !closed && !STOPPER && k < entries[directory[dir].entries].size ->
				i = entries[directory[dir].entries].page[k];
				assert(i == 0 || page[i].ord >= page[cur].low);
				k++
			:: else -> break
			od;
			i = 0;
			k = 0
		}
	}
}

#if READERS
/* Readers write nothing: one that does one thing at any time, again and again, stands for all of them. */
active proctype Reader() {
	byte s;             /* the event that is read */
	byte low, high;
	byte w, first, sought, hit, cell;
	unsigned which : 2;
	bit none;           /* nothing is retained */
	byte me = ACTORS - 1;
end:
progress:
	do
	/* A cursor whose next event is any that is visible; the newest one, or none, is what everybody looks for first. */
	:: atomic {
		/* go: cursor.go Next: word, seq := r.word.Load(), c.seq+1 */
		/* go: cursor.go Next: step.At(step.ReaderWord) */
		/* go: ring.go look: v.newest = seqOf(r.word.Load()) step.At(step.ReaderWord) */
		w = seq;
		s = OLDEST(seq, count);
		s = (s > seq -> seq : s);
		do
		:: s < seq -> s++
		:: break
		od
		};
		/* go: cursor.go Next: cur := r.cur.Load() */
		/* go: cursor.go Next: step.At(step.ReaderPage) */
		/* go: ring.go look: v.cur = r.cur.Load() step.At(step.ReaderPage) */
		hasPage[me] = cur;
		/* go: cursor.go Next: dir := r.dir.Load() */
		/* go: ring.go look: v.dir = r.dir.Load() */
		hasDir[me] = dir;
		/* go: cursor.go Next: newest = dir.find(cur, end) */
		if
		:: atomic {
			s > page[hasPage[me]].base ->
			hasHit[me] = hasPage[me];
			hasPage[me] = 0;
			hasDir[me] = 0
			}
		/* Its page is any one, such as that which the last event was in. */
		:: atomic {
			s <= page[hasPage[me]].base && directory[hasDir[me]].entries && s > 0 ->
			hasPage[me] = 0;
			/* go: cursor.go Next: p = dir.page(c.page).holding(seq); p == nil */
			/* go: cursor.go turn: p := d.page(c.page + 1).holding(seq) */
			if
			:: hasHit[me] = entries[directory[hasDir[me]].entries].page[0]
			:: hasHit[me] = entries[directory[hasDir[me]].entries].page[entries[directory[hasDir[me]].entries].size - 1]
			fi;
			hasDir[me] = 0;
			if
			:: s > page[hasHit[me]].base && s <= page[hasHit[me]].base + page[hasHit[me]].n
			:: else ->
				hasHit[me] = 0;
				s = 0;
				w = 0;
				d_step {
					collect()
				};
				goto end
			fi
			}
		:: s <= page[hasPage[me]].base && directory[hasDir[me]].entries && s > 0 ->
			/* go: cursor.go turn: p = d.find(cur, seq); p == nil */
			d_step {
				span(hasPage[me], hasDir[me]);
				low = lo;
				high = hi;
				hasPage[me] = 0;
				lo = 0;
				hi = 0
			};
			do
			:: d_step {
				low < high ->
				lo = low;
				hi = high;
				look(hasDir[me], s);
				low = lo;
				high = hi;
				hasHit[me] = found;
				found = 0;
				mid = 0;
				lo = 0;
				hi = 0
				}
			:: else -> break
			od;
			atomic {
				low = 0;
				high = 0;
				hasDir[me] = 0;
				if
				:: s > page[hasHit[me]].base + page[hasHit[me]].n -> hasHit[me] = 0
				:: else
				fi
			}
		/* go: ring.go look: v.cur.isNone() || v.cur.ordinal == 1 && v.cur.base == v.newest */
		/* go: ring.go look: p := v.page(v.newest); p != nil */
		:: else -> none = w == 0 || hasPage[me] == 0
		fi;
		d_step {
			if
			:: hasHit[me] == 0 ->
				/* It has gone; the newest event has, or the word has moved on, so that who looks again is not kept by one who sleeps. */
				assert(s < OLDEST(seq, count));
				assert(s != w || none || w != seq)
			:: else -> assert(page[hasHit[me]].state[s - page[hasHit[me]].base - 1] == PUBLISHED)
			fi;
			hasHit[me] = 0;
			hasPage[me] = 0;
			hasDir[me] = 0;
			none = 0;
			s = 0;
			w = 0;
			collect()
		}
#if INDEX
	/* The ID of any event that is visible. */
	:: atomic {
		count > 0 ->
		w = seq;
		first = OLDEST(seq, count);
		s = first;
		do
		:: s < seq -> s++
		:: break
		od;
		d_step {
			pageOf(cur, dir, s);
			sought = page[found].id[s - page[found].base - 1];
			found = 0
		}
		};
		hasPage[me] = cur;
		hasDir[me] = dir;
		find(sought, 0);
		d_step {
			assert(hit == s || hit == 0 && s < OLDEST(seq, count));
			hasPage[me] = 0;
			hasDir[me] = 0;
			w = 0;
			first = 0;
			hit = 0;
			s = 0;
			collect()
		}
#endif
	od
}
#endif

#if CLOSER
active proctype Closer() {
	d_step {
		/* go: ring.go Close: r.word.Or(closedBit) */
		closed = 1;
		last = seq
	}
}
#endif

#if STOPPER
active proctype Stopper() {
	if
	:: halted = 1
	:: halted = 2
	fi
}
#endif

init {
	atomic {
		run Appender(0, FIRST);
		i = 1;
		do
		:: i < WRITERS ->
			run Appender(i, OTHERS);
			i++
		:: i >= WRITERS && i < WRITERS + HELPERS ->
			run Appender(i, 0);
			i++
		:: else -> break
		od;
		i = 0
	}
}
