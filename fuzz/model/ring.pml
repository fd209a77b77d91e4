/*
 * A ring's slots, index, tail and growth: what Append, Seek and Next do to them, with any number of helpers and writers that sleep for
 * however long. Chunks are another model, chunks.pml; here a record is whole from its claim on.
 *
 * One step is one access of the Go code to shared memory, with the private work around it; where it is more, a comment says why that makes
 * no difference. A comment of the form
 *
 *   go: <file> <function>: <source>
 *
 * stands before the step that the quoted source of package ring makes. The tests hold the quotations against that source, in order.
 *
 * What is smaller than in Go: there are 1 or 2 to SLOTS slots instead of 1 or 8 to 2^21; an index has two buckets of one cell (or one), in
 * which all IDs collide, so that confirming a hit, reusing dead cells and losing an ID all happen; a writer appends a few times. What is
 * larger: whoever appends may evict all that is there, as events that differ in size do.
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
#ifndef MAXEVENTS
#define MAXEVENTS 2
#endif
#ifndef SMALLEST /* slots of the smallest table */
#define SMALLEST 2
#endif
#ifndef SLOTS /* the power of two above MAXEVENTS */
#define SLOTS 4
#endif
#ifndef INDEX /* 0: none, all IDs are assigned; 1: a set, which takes one step; 2: buckets */
#define INDEX 2
#endif
#ifndef BUCKETS /* an ID has two homes, which may be the same */
#define BUCKETS 2
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef WIDER /* how often a record lies where the table cannot name it */
#define WIDER 0
#endif
#ifndef CLOSER /* 1: somebody closes the ring */
#define CLOSER 0
#endif
#ifndef STOPPER /* 1: one writer stops for ever, anywhere */
#define STOPPER 0
#endif

#define SEQS (FIRST + OTHERS * (WRITERS - 1) + 2)
#define TABLES (WRITERS + READERS + 2)
#define FROZEN 255

/* IDs: that of sequence n is n, or with z zeros before it n+16z. X imitates sequence IMITATED, Y nothing. */
#ifndef IMITATED
#define IMITATED 3
#endif
#define NONE 0
#define X IMITATED
#define Y 255
#define ASSIGNED(seq, zeros) ((seq) + 16 * (zeros))
#define CANONICAL(id) ((id) < 16)

#define OLDEST(seq, count) ((seq) - (count) + 1)
#define RETAINED(seq, count, s) ((s) <= (seq) && (s) >= OLDEST(seq, count))
#define SLOT(t, s) table[t].slot[(s) & (table[t].size - 1)]
#define TIGHT(t, count) ((count) + 1 >= table[t].size && table[t].size <= MAXEVENTS)

typedef Table {
	byte slot[SLOTS];
	byte size;
	bit indexed;
	byte cell[BUCKETS]; /* INDEX 2: the sequences of entries; their tags are all the same */
	byte lost;
	byte set;           /* INDEX 1: the sequences that have been entered, as bits */
	byte held;          /* how many goroutines have a pointer to it */
};

/* Tables are objects that the collector frees: a number is used again once nobody holds it. 0 is no table. */
Table table[TABLES];
byte current;        /* r.table */
byte tail, count;    /* r.tail */
bit closed;          /* …and its lowest bit */
#if CLOSER
byte last;           /* the tail when it was closed */
#endif
bit ownIDs, imitate; /* r.flags */

/* The records of the retained events and of the one that is claimed and not yet published. */
byte id[SEQS];
bit kept[SEQS]; /* its ID is found through the index */
bit claimed;    /* the sequence after tail is claimed */
byte after;     /* …and its record says so many are retained once it is visible */

#if WIDER
byte wider;     /* times that a table was too narrow */
#endif
#if STOPPER
byte halted; /* 1 + the writer that has stopped */
#endif
hidden byte k;

/* Every retained event is in its slot of the table in use and, if it has an own ID, can be found through the index of that table. */
inline check() {
#if CLOSER
	assert(!closed || tail == last);
#endif
	k = OLDEST(tail, count);
	do
	:: k <= tail ->
		assert(SLOT(current, k) == k);
#if INDEX == 2
		assert(!kept[k] || table[current].indexed &&
			(table[current].cell[0] == k || table[current].cell[BUCKETS-1] == k || table[current].lost >= OLDEST(tail, count)));
#endif
#if INDEX == 1
		assert(!kept[k] || table[current].set & (1 << k));
#endif
		k++
	:: else -> break
	od;
	k = 0
}

inline clear(g) {
	table[g].slot[0] = 0;
	table[g].slot[1] = 0;
#if SLOTS == 4
	table[g].slot[2] = 0;
	table[g].slot[3] = 0;
#endif
	table[g].size = 0;
	table[g].indexed = 0;
	table[g].cell[0] = 0;
	table[g].cell[BUCKETS-1] = 0;
	table[g].lost = 0;
	table[g].set = 0
}

inline hold() {
	t = current;
	table[t].held++
}

inline drop() {
	if
	:: t != 0 ->
		table[t].held--;
		if
		:: table[t].held == 0 && t != current -> clear(t)
		:: else
		fi;
		t = 0
	:: else
	fi
}

/*
 * Sets hit to s if sequence s is retained and has the ID that is sought. Go reads the slot first and then the tail; the reader below does it in
 * two steps. What the slot holds cannot change while s is retained, which check asserts, so that one step tells the same.
 */
inline confirm(s) {
	/* go: index.go confirm: !retained(tail, seq) */
	/* go: cursor.go record: w := t.slot(seq).word.Load() */
	/* go: cursor.go record: seq < tailFirst(r.tail.Load()) */
	if
	:: RETAINED(lseq, lcount, s) && s >= OLDEST(tail, count) ->
		assert(SLOT(t, s) == s);
		/* go: index.go confirm: rec.id() == id */
		if
		:: id[s] == sought -> hit = s
		:: else
		fi
	:: else
	fi
}

#define DEAD(entry) ((entry) < OLDEST(lseq, lcount))

/* Remembers what the chosen cell holds, unless that is alive by now. */
inline open() {
	if
	:: which ->
		/* go: index.go emptier: v.old = v.cell.Load(); v.old&seqMask >= first */
		cell = table[t].cell[which - 1];
		if
		:: !DEAD(cell) ->
			cell = 0;
			which = 0
		:: else
		fi
	:: else
	fi
}

/*
 * Sets hit to the sequence of a retained event that has the ID, or to 0; what is evicted meanwhile may be missed. Who chooses also learns which cell the ID
 * may go into, and what it holds.
 *
 * Go looks at a bucket for dead entries and then for the ID, which is one step here. What takes the place of an entry in between either makes the claim
 * fail, or is an entry once more that a late helper had under way: then the one that led the others on is found, or the cell is looked at again before it is taken.
 */
inline find(wanted, chooses) {
	d_step {
		sought = wanted;
		hit = 0;
		/* go: index.go find: r.assignedSeq(id) */
		if
		:: CANONICAL(sought) -> confirm(sought)
		:: else
		fi
	};
#if INDEX == 1
	d_step {
		k = OLDEST(tail, count);
		do
		:: k <= tail ->
			if
			:: kept[k] && table[t].set & (1 << k) -> confirm(k)
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0;
		sought = 0
	}
#else
	if
	/* go: index.go find: t.index == nil */
	:: hit == 0 && table[t].indexed ->
		d_step {
			/* go: index.go find: deadA, hit := a.look(tag, first) */
			/* go: index.go look: w := b[i].Load() */
			if
			:: chooses && DEAD(table[t].cell[0]) -> which = 1
			:: else
			fi;
			/* go: index.go find: r.lookUp(tail, t, a, id, tag) */
			/* go: index.go lookUp: w := b[i].Load() */
			confirm(table[t].cell[0])
		};
#if BUCKETS == 2
		d_step {
			/* go: index.go find: deadB, hit = b.look(tag, first) */
			/* go: index.go find: r.lookUp(tail, t, b, id, tag) */
			if
			:: hit == 0 ->
				if
				:: chooses && !which && DEAD(table[t].cell[1]) -> which = 2
				:: else
				fi;
				confirm(table[t].cell[1])
			:: else
			fi
		};
#endif
		/* Once lost says so, the scan is right whenever it is made; and what is lost from now on is found, or makes the claim fail. */
		d_step {
			/* go: index.go find: v = emptier(a, b, deadA, deadB, first) */
			open();
			/* go: index.go find: lost := t.lost.Load() */
			if
			:: hit == 0 && table[t].lost >= OLDEST(lseq, lcount) ->
				k = OLDEST(lseq, lcount);
				do
				/* go: index.go scan: r.confirm(tail, t, id, seq) */
				:: k <= lseq ->
					confirm(k);
					k++
				:: else -> break
				od;
				k = 0
			:: else
			fi;
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
#endif
}

/* Enters sequence lseq+1 into the index of t, in the cell that find has chosen if it still holds what it held. */
inline insert() {
#if INDEX == 1
	d_step {
		table[t].set = table[t].set | (1 << (lseq + 1));
		check()
	}
#else
	do
	:: atomic {
		which ->
		/* go: index.go insert: !v.cell.CompareAndSwap(v.old, entry) */
		if
		:: table[t].cell[which - 1] == cell ->
			d_step {
				table[t].cell[which - 1] = lseq + 1;
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
		/* go: index.go insert: a.has(entry) */
		/* go: index.go has: b[i].Load() == entry */
		if
		:: table[t].cell[0] == lseq + 1 -> break
		:: else
		fi
		};
#if BUCKETS == 2
		atomic {
			/* go: index.go insert: b.has(entry) */
			if
			:: table[t].cell[1] == lseq + 1 -> break
			:: else
			fi
		};
#endif
		/* go: index.go insert: deadA, _ := a.look(tag, first) */
		which = (DEAD(table[t].cell[0]) -> 1 : 0);
#if BUCKETS == 2
		/* go: index.go insert: deadB, _ := b.look(tag, first) */
		which = (!which && DEAD(table[t].cell[1]) -> 2 : which);
#endif
		if
		:: atomic {
			!which ->
			/* go: index.go insert: t.lose(seq) */
			/* go: index.go lose: lost := t.lost.Load() */
			/* go: index.go lose: t.lost.CompareAndSwap(lost, seq) */
			/* A loop that only ever raises a number does in one step what it does in many. */
			if
			:: table[t].lost < lseq + 1 -> table[t].lost = lseq + 1
			:: else
			fi;
			break
			}
		:: d_step {
			which ->
			/* go: index.go insert: v = emptier(a, b, deadA, deadB, first) */
			open()
			}
		fi
	od
#endif
}

/* Enters sequence s into the private copy. */
inline enter(s) {
	if
	:: newcell[0] == s || newcell[BUCKETS-1] == s
	:: else ->
		if
		:: newcell[0] == 0 -> newcell[0] = s
#if BUCKETS == 2
		:: newcell[0] != 0 && newcell[1] == 0 -> newcell[1] = s
#endif
		:: else ->
			if
			:: newlost < s -> newlost = s
			:: else
			fi
		fi
	fi
}

/* What a writer knows is forgotten at once, so that the states that follow do not differ in it. */
inline forget() {
	d_step {
		drop();
		lseq = 0;
		lcount = 0;
		old = 0;
		zeros = 0;
		hit = 0;
		cell = 0;
		which = 0;
		mine = 0;
		enters = 0
	}
}

proctype Writer(byte me; byte appends) {
	byte want;         /* the ID; NONE: to be assigned */
	byte lseq, lcount; /* the tail as read */
	byte t;            /* the table */
	byte old;          /* what its slot held */
	byte zeros;
	byte sought, hit, cell;
	unsigned which : 2;
	bit mine;          /* the claim is this writer's own */
	bit enters;        /* its ID is to be entered into the index */
	bit alone;         /* the event leaves room for none before it */
	byte newsize;
	bit newindexed;
	byte newcell[BUCKETS];
	byte newlost;
	byte newset;
	{
	goto next;
next:
	atomic {
		want = 0;
		if
		:: appends == 0 -> goto end
		:: else -> appends--
		fi;
		if
		:: want = NONE
#if INDEX
		:: want = X
		:: want = Y
#endif
		fi;
		/* go: append.go noteOwn: have := r.flags.Load() */
		/* go: append.go noteOwn: r.flags.Or(want) */
		if
		:: want != NONE ->
			ownIDs = 1;
			imitate = imitate | (want == X)
		:: else
		fi
	};
again:
	atomic {
		/* go: append.go append: r.tail.Load() step.At(step.TailRead) */
		lseq = tail;
		lcount = count;
		/* go: append.go append: tail&tailClosed != 0 || tailSeq(tail) == MaxSeq */
		if
		:: closed -> forget(); goto next
		:: else
		fi
	};
	d_step {
		/* go: append.go append: t := r.table.Load() */
		hold()
	};
	/* go: append.go append: old := slot.word.Load() */
	/* go: append.go append: step.At(step.SlotRead) */
	old = SLOT(t, lseq + 1);
	atomic {
		/* go: append.go append: r.tail.Load() != tail */
		if
		:: tail != lseq || closed -> forget(); goto again
		:: else
		fi;
		if
		/* go: append.go append: t.mayHold(old, seq) || tailCount(tail) >= t.most || own && t.index == nil */
		/* go: append.go append: t.holds(old, seq) */
		:: old == lseq + 1 -> goto help
		/* go: append.go append: old == frozen || !r.fits(t, tail) */
		/* go: table.go fits: tailCount(tail) >= t.most */
		:: old == FROZEN || TIGHT(t, lcount) -> old = 0; lseq = 0; lcount = 0; goto grow
		:: else
		fi
	};
#if INDEX
	/* Who is assigned an ID asks in the first lap alone, whose words look like none. */
	/* go: table.go fits: t.index != nil || r.flags.Load()&flagOwnIDs == 0 */
	if
	:: !table[t].indexed && ownIDs && (want != NONE || old == 0 && lseq + 1 < table[t].size) -> old = 0; lseq = 0; lcount = 0; goto grow
	:: else
	fi;
	if
	:: want != NONE ->
		/* go: append.go append: r.find(tail, t, e.ID, tag) */
		find(want, 1);
		/* The event was found where it was retained: that is ErrDuplicateID. */
		if
		:: hit -> forget(); goto next
		:: else
		fi
	/* go: append.go append: r.flags.Load()&flagImitate != 0 */
	:: want == NONE && imitate ->
		/* go: append.go append: r.unusual(tail, t, seq) */
		/* go: id.go unusual: r.find(tail, tb, id, tag) */
		do
		:: find(ASSIGNED(lseq + 1, zeros), 1);
			if
			:: hit -> zeros++
			:: else -> break
			fi
		od;
		/* An ID without zeros is not entered. */
		if
		:: zeros == 0 ->
			cell = 0;
			which = 0
		:: else
		fi
	:: else
	fi;
#endif
#if WIDER
	/* Its place is known as soon as it has one: asked here or there. */
	if
	:: atomic {
		wider < WIDER ->
			wider++;
			cell = 0;
			which = 0;
			old = 0;
			zeros = 0;
			lseq = 0;
			lcount = 0;
			goto grow
		}
	:: true
	fi;
#endif
	/* The plans read only what says how much to evict, or that the tail has moved on; then the swap fails as well. */
	atomic {
		/* go: append.go append: step.At(step.Looked) */
		/* go: append.go append: !r.planFast(&m, tail, t, int64(size+Overhead)) */
		/* go: append.go append: r.plan(&m, tail, t, dir, int64(size+Overhead)) */
		if
		:: alone = 0
		:: lcount > 0 && lcount < MAXEVENTS -> alone = 1
		:: lcount > 1 && lcount == MAXEVENTS -> alone = 1
		fi;
		/* go: append.go append: step.At(step.Written) */
		/* go: append.go append: d.place > t.mask */
		/* go: append.go append: slot.word.CompareAndSwap(old, t.word(seq, d.place, d.unit)) */
		/* go: append.go append: step.At(step.Claimed) */
		if
		:: SLOT(t, lseq + 1) != old ->
			alone = 0;
			forget(); goto again
		:: else ->
			d_step {
				/* Nobody has claimed this sequence, and nobody holds the ID. */
				assert(lseq == tail && !claimed && t == current);
				SLOT(t, lseq + 1) = lseq + 1;
				claimed = 1;
				id[lseq + 1] = (want == NONE -> ASSIGNED(lseq + 1, zeros) : want);
				kept[lseq + 1] = want != NONE || zeros > 0;
				enters = kept[lseq + 1];
				assert(!enters || table[t].indexed || INDEX == 1);
				k = OLDEST(tail, count);
				do
				:: k <= lseq ->
					assert(id[k] != id[lseq + 1]);
					k++
				:: else -> break
				od;
				k = 0;
				after = (alone -> 1 : (lcount < MAXEVENTS -> lcount + 1 : lcount));
				check();
				mine = 1;
				old = 0;
				zeros = 0;
				alone = 0
			}
		fi
	};
publish:
	if
	/* go: append.go publish: rec.isIndexed() */
	/* go: append.go publish: r.insert(t, tail, seq, tag, v) */
	:: enters -> insert()
	:: else
	fi;
	atomic {
		/* go: append.go publish: step.At(step.Indexed) */
		/* go: append.go publish: r.tail.CompareAndSwap(tail, tailOf(seq, rec.count())) */
		if
		:: tail == lseq && !closed ->
			/* Waking those who wait comes after this. */
			d_step {
				assert(claimed);
				k = OLDEST(tail, count);
				tail = lseq + 1;
				count = after;
				do
				:: k < OLDEST(tail, count) ->
					id[k] = 0;
					kept[k] = 0;
					k++
				:: else -> break
				od;
				claimed = 0;
				after = 0;
				check()
			};
			if
			/* go: append.go append: return rec, seq, nil */
			:: mine -> forget(); goto next
			:: else -> forget(); goto again
			fi
		:: else
		fi
	};
	atomic {
		/* go: append.go publish: return tailSeq(r.tail.Load()) >= seq */
		if
		:: !mine -> forget(); goto again
		:: mine && tail >= lseq + 1 -> forget(); goto next
		:: else ->
			/* ErrClosed: nobody sees the event, now or ever. */
			assert(closed && tail == lseq);
			forget(); goto next
		fi
	};

help:
	atomic {
		/* go: append.go help: r.tail.Load() != tail */
		if
		:: tail != lseq || closed -> forget(); goto again
		/* go: append.go help: r.publish(tail, t, rec, tag, vacancy{}) */
		:: else ->
			old = 0;
			enters = kept[lseq + 1];
			goto publish
		fi
	};

grow:
	atomic {
		/* go: table.go grow: tail := r.tail.Load() */
		lseq = tail;
		lcount = count;
		if
		:: closed -> forget(); goto again
		:: else
		fi
	};
	/* go: table.go grow: w := slot.word.Load() */
	old = SLOT(t, lseq + 1);
	/* go: table.go grow: r.table.Load() != t */
	if
	:: current != t -> forget(); goto again
	:: else
	fi;
	atomic {
		/* go: table.go grow: r.tail.Load() != tail */
		if
		:: tail != lseq || closed -> forget(); goto again
		:: else
		fi;
		if
		/* go: table.go grow: w != frozen */
		:: old == FROZEN -> goto copy
		/* go: table.go grow: r.help(tail, t, w) */
		:: old == lseq + 1 -> goto help
		:: else
		fi
	};
	atomic {
		/* go: table.go grow: slot.word.CompareAndSwap(w, frozen) */
		/* go: table.go grow: step.At(step.Frozen) */
		if
		:: SLOT(t, lseq + 1) == old ->
			d_step {
				assert(t == current && lseq == tail && !claimed);
				SLOT(t, lseq + 1) = FROZEN;
				check()
			}
		:: else -> forget(); goto again
		fi
	};
copy:
	atomic {
		old = 0;
		/* go: table.go copyTable: tailCount(tail) >= t.most */
		newsize = (TIGHT(t, lcount) -> 2 * table[t].size : table[t].size);
		newsize = (newsize < SMALLEST -> SMALLEST : newsize);
		/* go: table.go copyTable: r.flags.Load()&flagOwnIDs != 0 */
		newindexed = ownIDs;
		/* No slot of a frozen table changes, so that copying them takes one step. */
		/* go: table.go copyTable: w := from.word.Load() */
		k = OLDEST(lseq, lcount);
		do
		:: k <= lseq ->
			assert(SLOT(t, k) == k);
			k++
		:: else -> break
		od;
		k = 0
	};
#if INDEX == 1
	newset = table[t].set;
#endif
#if INDEX == 2
	if
	/* go: index.go copyIndex: old.index == nil || next.index == nil */
	:: table[t].indexed && newindexed ->
		atomic {
			/* go: index.go copyIndex: old.lost.Load() >= tailFirst(tail) */
			if
			:: table[t].lost < OLDEST(lseq, lcount) -> goto cells
			:: else
			fi
		};
		atomic {
			/* go: index.go copyIndex: r.record(old, seq) */
			/* go: index.go copyIndex: rec.isIndexed() */
			d_step {
				k = OLDEST(tail, count);
				do
				:: k <= lseq ->
					if
					:: kept[k] -> enter(k)
					:: else
					fi;
					k++
				:: else -> break
				od;
				k = 0
			};
			goto swap
		};
cells:
		atomic {
			/* go: index.go copyIndex: w := old.index[i][j].Load() */
			if
			:: RETAINED(lseq, lcount, table[t].cell[0]) -> enter(table[t].cell[0])
			:: else
			fi
		};
#if BUCKETS == 2
		atomic {
			if
			:: RETAINED(lseq, lcount, table[t].cell[1]) -> enter(table[t].cell[1])
			:: else
			fi
		}
#endif
	:: else
	fi;
#endif
swap:
	atomic {
		d_step {
			/* go: table.go grow: step.At(step.Copied) */
			/* go: table.go grow: r.table.CompareAndSwap(t, next) */
			if
			:: current == t ->
				k = 1;
				do
				:: table[k].size != 0 -> k++
				:: else -> break
				od;
				current = k;
				assert(newsize <= SLOTS);
				table[current].size = newsize;
				table[current].indexed = newindexed;
				table[current].cell[0] = newcell[0];
				table[current].cell[BUCKETS-1] = newcell[BUCKETS-1];
				table[current].lost = newlost;
				table[current].set = newset;
				k = OLDEST(lseq, lcount);
				do
				:: k <= lseq ->
					SLOT(current, k) = k;
					k++
				:: else -> break
				od;
				k = 0;
				check()
			:: else
			fi;
			newsize = 0;
			newindexed = 0;
			newcell[0] = 0;
			newcell[BUCKETS-1] = 0;
			newlost = 0;
			newset = 0
		};
		forget();
		goto again
	}
#if STOPPER
	} unless {
		atomic {
			halted == me + 1 ->
			forget();
			d_step {
				appends = 0;
				want = 0;
				sought = 0;
				cell = 0;
				which = 0;
				alone = 0;
				newsize = 0;
				newindexed = 0;
				newcell[0] = 0;
				newcell[BUCKETS-1] = 0;
				newlost = 0;
				newset = 0
			}
		}
	}
#else
	}
#endif
	;
end:
	skip
}

#if READERS
/* Readers write nothing: one that does one thing at any time, again and again, stands for all of them. */
active proctype Reader() {
	byte seq, lseq, lcount, t, word, sought, hit, cell;
	unsigned which : 2;
end:
progress:
	do
	/* A cursor whose next event is any that is visible. */
	:: atomic {
		/* go: cursor.go Next: end := tailSeq(r.tail.Load()) */
		count > 0 ->
		seq = OLDEST(tail, count);
		do
		:: seq < tail -> seq++
		:: break
		od
		};
		d_step {
			/* go: cursor.go Next: t := r.table.Load() */
			hold()
		};
		/* go: cursor.go Next: w := t.slot(seq).word.Load() */
		/* go: cursor.go Next: step.At(step.ReaderSlot) */
		word = SLOT(t, seq);
		d_step {
			/* go: cursor.go Next: seq < tailFirst(r.tail.Load()) */
			assert(seq < OLDEST(tail, count) || word == seq);
			drop();
			word = 0;
			seq = 0
		}
	/* The ID of any event that is visible. */
	:: atomic {
		/* go: ring.go Seek: tail := r.tail.Load() */
		count > 0 ->
		lseq = tail;
		lcount = count;
		seq = OLDEST(tail, count);
		do
		:: seq < tail -> seq++
		:: break
		od;
		sought = id[seq]
		};
		d_step {
			/* go: ring.go Seek: t := r.table.Load() */
			hold()
		};
		/* go: ring.go Seek: r.find(tail, t, lastEventID, tag) */
		find(sought, 0);
		d_step {
			assert(hit == seq || hit == 0 && seq < OLDEST(tail, count));
			drop();
			lseq = 0;
			lcount = 0;
			hit = 0;
			seq = 0
		}
	od
}
#endif

#if CLOSER
active proctype Closer() {
	d_step {
		/* go: ring.go Close: r.tail.Or(tailClosed) */
		closed = 1;
		last = tail
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
	d_step {
		current = 1;
		table[1].size = 1;
		table[1].slot[0] = FROZEN;
	};
	atomic {
		run Writer(0, FIRST);
		k = 1;
		do
		:: k < WRITERS ->
			run Writer(k, OTHERS);
			k++
		:: else -> break
		od;
		k = 0
	}
}
