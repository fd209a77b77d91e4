/*
 * A ring's chunks: space for records, the directory, and when a chunk may go. The slots are another model, ring.pml, which shows what is
 * taken for granted here: that a sequence is claimed once, while the one before it is the newest visible.
 *
 * One step is one access of the Go code to shared memory, with the private work around it; where it is more, a comment says why that makes
 * no difference. A comment of the form
 *
 *   go: <file> <function>: <source>
 *
 * stands before the step that the quoted source of package ring makes. The tests hold the quotations against that source, in order.
 *
 * What is smaller than in Go: a chunk has room for ROOM records, all of the same size, and large records have chunks of their own. What
 * is larger: an append may give up, or change the length of its ID, whenever it comes round, and a claim may fail for no reason, GROWTHS times,
 * as it does when the table is replaced.
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
#define MAXEVENTS 1
#endif
#ifndef ROOM
#define ROOM 2
#endif
#ifndef LARGE /* 1: there are records with chunks of their own */
#define LARGE 1
#endif
#ifndef GIVEUP /* appends that abandon their drafts, all in all */
#define GIVEUP 1
#endif
#ifndef GROWTHS
#define GROWTHS 0
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef STOPPER /* 1: one writer stops for ever, anywhere */
#define STOPPER 0
#endif
#ifndef WASTE /* with so many living chunks the next record gets one of its own, however small it is; 0: never, LARGE must be 0 otherwise */
#define WASTE 0
#endif
#ifndef MOST /* chunks in the directory at any time: writers that lose each race seal chunks without events */
#if WASTE
#define MOST (WASTE + MAXEVENTS + WRITERS)
#else
#define MOST (WRITERS * (MAXEVENTS + 2) + 1)
#endif
#endif

#define SEQS (FIRST + OTHERS * (WRITERS - 1) + 2)
#define PLACES MOST
#define CHUNKS (MOST + 4)
#define DIRECTORIES (2 * WRITERS + READERS + 2)

#define OLDEST(seq, count) ((seq) - (count) + 1)

/* Who owns the space of a record: nobody, a writer's draft, a sequence, or readers, who may still look at an event that has been evicted. */
#define FREE 0
#define DRAFT(me) (1 + (me))
#define RECORD(seq) (16 + (seq))
#define EVICTED 255

typedef Chunk {
	byte dead;
	bit own;
	byte unit[ROOM];
	byte held; /* how many directories and drafts refer to it */
};

typedef Directory {
	byte serial;
	byte place;
	byte cur;
	byte chunk[PLACES];
	byte held; /* how many goroutines have a pointer to it */
};

/* Objects that the collector frees: a number is used again once nobody holds it. 0 is none. */
Chunk chunk[CHUNKS];
Directory directory[DIRECTORIES];

byte current;      /* r.dir */
byte serial, used; /* r.res */
byte tail, count;  /* r.tail */

/* The slots of the retained events and of the one that is claimed and not yet published. */
byte place[SEQS];
byte unit[SEQS];
byte home[SEQS];   /* the chunk that was meant */
bit claimed;       /* the sequence after tail is claimed */
byte after;        /* …and its record says so many are retained once it is visible */

byte giveups, growths;
byte finished; /* writers */
#if STOPPER
byte halted; /* 1 + the writer that has stopped */
#endif
hidden byte k, j;

/* The directory in use leads to the record of every retained event and to the one that is claimed. */
inline check() {
	k = OLDEST(tail, count);
	do
	:: k <= tail + claimed ->
		assert(directory[current].chunk[place[k]] == home[k] && chunk[home[k]].unit[unit[k]] == RECORD(k));
		k++
	:: else -> break
	od;
	k = 0
}

/* When nobody appends any more, no large record that has been evicted or given up keeps its chunk. */
inline tidy() {
	d_step {
		k = 0;
		do
		:: k < PLACES ->
			assert(finished < WRITERS || WASTE || directory[current].chunk[k] == 0 || !chunk[directory[current].chunk[k]].own ||
				chunk[directory[current].chunk[k]].dead == 0 || OLDEST(tail, count) < chunk[directory[current].chunk[k]].dead);
			k++
		:: else -> break
		od;
		k = 0
	}
}

/* The record of any sequence that is retained or claimed goes before its chunk does. */
inline timely() {
	k = OLDEST(tail, count);
	do
	:: k <= tail + claimed ->
		assert(chunk[home[k]].dead == 0 || k < chunk[home[k]].dead);
		k++
	:: else -> break
	od;
	k = 0
}

inline letgo(obj) {
	chunk[obj].held--;
	if
	:: chunk[obj].held == 0 ->
		chunk[obj].dead = 0;
		chunk[obj].own = 0;
		j = 0;
		do
		:: j < ROOM ->
			chunk[obj].unit[j] = FREE;
			j++
		:: else -> break
		od;
		j = 0
	:: else
	fi
}

/* Frees directory d unless somebody has it. */
inline collect(d) {
	if
	:: directory[d].held == 0 && d != current ->
		k = 0;
		do
		:: k < PLACES ->
			if
			:: directory[d].chunk[k] -> letgo(directory[d].chunk[k])
			:: else
			fi;
			directory[d].chunk[k] = 0;
			k++
		:: else -> break
		od;
		k = 0;
		directory[d].serial = 0;
		directory[d].place = 0;
		directory[d].cur = 0
	:: else
	fi
}

inline hold(d) {
	d = current;
	directory[d].held++
}

inline drop(d) {
	if
	:: d ->
		directory[d].held--;
		collect(d);
		d = 0
	:: else
	fi
}

/* The draft is no more. */
inline discard() {
	chunk[draft].unit[at] = FREE;
	letgo(draft);
	draft = 0;
	at = 0;
	where = 0;
	mark = 0
}

/*
 * Reserves space in dir's chunk if that is the current one, open and not full. Go reads the word and swaps it; should it have changed in between,
 * it looks at the word again, as if it had come later. What the swap decides on is in the word, so that it may come back to an old value.
 */
inline take() {
	/* go: chunks.go open: res>>resBits == d.serial && uint32(res&(1<<resBits-1))+units <= d.room */
	/* go: chunks.go take: d.chunk, d.alone, d.place, d.units, d.serial = dir.cur, false, dir.place, units, dir.serial */
	if
	:: serial == directory[dir].serial && directory[dir].cur && used < ROOM ->
		if
		:: draft -> discard() /* it was in a sealed chunk */
		:: else
		fi;
		draft = directory[dir].cur;
		where = directory[dir].place;
		at = used;
		mark = serial;
		used++;
		chunk[draft].held++;
		assert(chunk[draft].unit[at] == FREE);
		chunk[draft].unit[at] = DRAFT(me)
	:: else
	fi
}

/* Moves reservations on to d's chunk: one step for the same reason. */
inline advance(d) {
	/* go: chunks.go advance: res := r.res.Load() */
	/* go: chunks.go advance: res>>resBits >= dir.serial || r.res.CompareAndSwap(res, dir.serial<<resBits|chunkUnits) */
	if
	:: serial < directory[d].serial ->
		serial = directory[d].serial;
		used = 0
	:: else
	fi
}

/* Takes over the chunks of dir into list, from place n on, up to one that must be looked at. */
inline skip_living() {
	do
	:: n < PLACES && (directory[dir].chunk[n] == 0 || directory[dir].chunk[n] == directory[dir].cur) ->
		list[n] = directory[dir].chunk[n];
		n++
	:: else -> break
	od;
	skip
}

/* Takes over into list the chunks of dir that live at the tail read just now, when reservations had reached dir. */
inline adopt() {
	do
	/* go: chunks.go adopt: o == old.cur || !o.isDead(tail) */
	/* dead is swapped in once: who finds none and is beaten to it learns what it would have found a moment later, which makes it one step. */
	:: atomic {
		n < PLACES ->
		d_step {
			/* go: chunks.go isDead: dead := c.dead.Load() */
			/* go: chunks.go isDead: dead == 0 && !c.own */
			/* go: chunks.go isDead: c.stamp(tail) */
			/* go: chunks.go stamp: c.dead.CompareAndSwap(0, tailSeq(tail)+2) */
			/* go: chunks.go isDead: dead = c.dead.Load() */
			if
			:: chunk[directory[dir].chunk[n]].dead == 0 && !chunk[directory[dir].chunk[n]].own -> chunk[directory[dir].chunk[n]].dead = stamp
			:: else
			fi;
			timely();
			/* go: chunks.go isDead: dead != 0 && tailFirst(tail) >= dead */
			if
			:: chunk[directory[dir].chunk[n]].dead != 0 && oldest >= chunk[directory[dir].chunk[n]].dead
			:: else -> list[n] = directory[dir].chunk[n]
			fi;
			n++;
			skip_living()
		}
		}
	:: else -> break
	od;
	atomic {
		n = 0;
		stamp = 0;
		oldest = 0
	}
}

/* Reads the tail for adopt. */
inline read_tail() {
	stamp = tail + 2;
	oldest = OLDEST(tail, count);
	skip_living()
}

/* Puts list, and the new chunk if there is one, in the place of dir. */
inline replace(new, isown) {
	if
	:: current == dir ->
		k = 1;
		do
		:: directory[k].held || k == current -> k++
		:: else -> break
		od;
		j = k;
		directory[j].serial = directory[dir].serial;
		directory[j].place = directory[dir].place;
		directory[j].cur = directory[dir].cur;
		if
		:: new ->
			n = 1;
			do
			:: chunk[n].held -> n++
			:: else -> break
			od;
			made = n;
			n = 0;
			do
			:: n < PLACES && list[n] -> n++
			:: else -> break
			od;
			assert(n < PLACES); /* memory is bounded */
			list[n] = made;
			chunk[made].own = isown;
			if
			:: isown ->
				if
				:: draft -> discard()
				:: else
				fi;
				draft = made;
				where = n;
				at = 0;
				mark = 0;
				chunk[draft].held++;
				chunk[draft].unit[0] = DRAFT(me)
			:: else ->
				directory[j].serial++;
				directory[j].place = n;
				directory[j].cur = made
			fi;
			n = 0;
			made = 0
		:: else
		fi;
		j = current;
		current = k;
		k = 0;
		do
		:: k < PLACES ->
			directory[current].chunk[k] = list[k];
			if
			:: list[k] ->
				chunk[list[k]].held++;
				n++
			:: else
			fi;
			k++
		:: else -> break
		od;
		assert(n <= MOST);
		n = 0;
		k = 0;
		check();
		swapped = 1
	:: else
	fi;
	k = 0;
	do
	:: k < PLACES ->
		list[k] = 0;
		k++
	:: else -> break
	od;
	k = 0;
	j = 0
}

inline forget() {
	d_step {
		drop(dir);
		lseq = 0;
		lcount = 0;
		mine = 0
	}
}

proctype Writer(byte me; byte appends) {
	bit large;              /* the record has a chunk of its own */
	byte lseq, lcount;      /* the tail as read */
	byte dir;
	byte next;              /* the directory that this writer has put in dir's place */
	byte draft, where, at;  /* its chunk, place and unit; no chunk: none */
	byte mark;              /* the serial of its chunk, if shared */
	bit mine;               /* the claim is this writer's own */
	byte seenserial, seenused;
	byte n, stamp, oldest, made;
	byte list[PLACES];
	bit swapped, alone, sweeps, leaves;
	{
	goto next_append;
next_append:
	atomic {
		large = 0;
		sweeps = 0;
		leaves = 1;
		if
		:: appends == 0 ->
			finished++;
			tidy();
			goto end
		:: else -> appends--
		fi;
#if LARGE
		if
		:: large = 0
		:: large = 1
		fi
#endif
	};
again:
	/* The tail is the same before and after the directory is read, or nothing has happened: one step. */
	atomic {
		d_step {
			/* go: append.go append: r.tail.Load() step.At(step.TailRead) */
			lseq = tail;
			lcount = count;
			/* go: append.go append: old := slot.word.Load() */
			/* go: append.go append: dir := r.dir.Load() */
			/* go: append.go append: r.tail.Load() != tail */
			if
			:: !claimed -> hold(dir)
			:: else
			fi
		};
		if
		/* go: append.go append: r.help(tail, t, old) */
		:: claimed -> goto help
		:: else
		fi;
		d_step {
			/* go: plan.go sumAfter: w := s.word.Load() */
			/* go: plan.go sumAfter: return dir.record(t, w).sum(), true */
			/* go: plan.go sumBefore: w := t.slot(seq).word.Load() */
			/* go: plan.go sumBefore: rec := dir.record(t, w) */
			/* dir does not change, and the slots are looked at again: whenever plan does it, these are the records. */
			k = OLDEST(lseq, lcount);
			do
			:: k <= lseq ->
				assert(directory[dir].chunk[place[k]] == home[k]);
				k++
			:: else -> break
			od;
			k = 0
		};
		/* A duplicate, an error, or an assigned ID that has got another length. */
		if
		:: draft && giveups < GIVEUP ->
			giveups++;
			if
			:: leaves = 0
			:: true
			fi;
			goto abandon
		:: true
		fi
	};
drafting:
	if
	/* go: append.go append: d.chunk == nil || r.sealed(&d) */
	/* go: chunks.go sealed: !d.alone && r.res.Load()>>resBits != d.serial */
	:: atomic {
		draft && (chunk[draft].own || serial == mark) ->
		drop(dir);
		goto claim
		}
	:: else
	fi;
	if
	:: !large ->
		/* go: append.go append: res := r.res.Load(); !dir.open(res, units) || !r.res.CompareAndSwap(res, res+uint64(units)) */
		atomic {
			take();
			if
			:: draft && mark == directory[dir].serial ->
				drop(dir);
				goto claim
			:: else
			fi
		}
	:: else
	fi;
	/* go: append.go append: !r.reserve(&d, units, m.before) */
	/* go: append.go append: step.At(step.Reserved) */
	d_step {
		drop(dir)
	};
reserve:
	atomic {
		/* go: chunks.go reserve: res := r.res.Load() */
		seenserial = serial;
		seenused = used
	};
	d_step {
		/* go: chunks.go reserve: dir := r.dir.Load() */
		hold(dir);
		assert(directory[dir].serial >= seenserial)
	};
	if
	/* go: chunks.go reserve: dir.open(res, units) */
	:: atomic {
		directory[dir].serial == seenserial && !large && directory[dir].cur && seenused < ROOM ->
		seenserial = 0;
		seenused = 0
		};
		atomic {
			/* go: chunks.go reserve: r.res.CompareAndSwap(res, res+uint64(units)) */
			take();
			if
			:: draft && mark == directory[dir].serial ->
				drop(dir);
				goto claim
			:: else ->
				drop(dir);
				goto reserve
			fi
		}
	/* go: chunks.go reserve: dir.serial > res>>resBits */
	:: atomic {
		directory[dir].serial > seenserial ->
		seenserial = 0;
		seenused = 0
		};
		/* go: chunks.go reserve: r.advance(dir) */
		d_step {
			advance(dir);
			drop(dir)
		};
		goto reserve
	/* go: chunks.go reserve: r.install(d, dir, units, retained) */
	:: atomic {
		else ->
		seenserial = 0;
		seenused = 0;
		alone = large;
		read_tail()
		}
	fi;
#if WASTE
	/* go: chunks.go install: r.wasteful(dir, retained, size) */
	/* go: chunks.go wasteful: tail, living := r.tail.Load(), int64(0) */
	/* go: chunks.go wasteful: c == dir.cur || !c.isDead(tail) */
	adopt();
	d_step {
		/* go: chunks.go wasteful: living > most */
		do
		:: n < PLACES ->
			made = made + (list[n] != 0);
			list[n] = 0;
			n++
		:: else -> break
		od;
		n = 0;
		alone = made >= WASTE;
		made = 0;
		read_tail()
	};
#endif
	/* go: chunks.go install: place := next.adopt(dir, c, r.tail.Load()) */
	adopt();
	atomic {
		d_step {
			/* go: chunks.go install: step.At(step.Installing) */
			/* go: chunks.go install: r.dir.CompareAndSwap(dir, next) */
			/* go: chunks.go install: step.At(step.Installed) */
			swapped = 0;
			replace(1, alone);
			if
			:: swapped && !alone ->
				next = current;
				directory[next].held++
			:: else
			fi
		};
		if
		:: !swapped ->
			alone = 0;
			drop(dir);
			goto reserve
		:: swapped && alone ->
			alone = 0;
			swapped = 0;
			drop(dir);
			goto claim
		:: else -> swapped = 0
		fi
	};
	/* go: chunks.go install: r.advance(next) */
	atomic {
		advance(next);
		d_step {
			drop(next)
		}
	};
	if
	:: directory[dir].cur ->
		/* go: chunks.go install: dir.cur.stamp(r.tail.Load()) */
		stamp = tail + 2;
		d_step {
			if
			:: chunk[directory[dir].cur].dead == 0 -> chunk[directory[dir].cur].dead = stamp
			:: else
			fi;
			timely();
			stamp = 0;
			drop(dir)
		}
	:: else ->
		d_step {
			drop(dir)
		}
	fi;
	goto reserve;

abandon:
	atomic {
		if
		:: chunk[draft].own ->
			d_step {
				/* go: chunks.go abandon: d.chunk.dead.CompareAndSwap(0, 1) */
				if
				:: chunk[draft].dead == 0 -> chunk[draft].dead = 1
				:: else
				fi;
				discard();
				drop(dir)
			};
			/* go: chunks.go abandon: r.sweep() */
			goto sweep
		:: else ->
			d_step {
				/* go: chunks.go abandon: r.res.CompareAndSwap(end, end-uint64(d.units)) */
				if
				:: serial == mark && used == at + 1 -> used = at
				:: else
				fi;
				discard()
			}
		fi;
		if
		:: leaves ->
			forget();
			goto next_append
		:: else ->
			leaves = 1;
			goto drafting
		fi
	};

claim:
	atomic {
		/* go: append.go append: step.At(step.Written) */
		/* go: append.go append: slot.word.CompareAndSwap(old, t.word(seq, d.place, d.unit)) */
		/* go: append.go append: step.At(step.Claimed) */
		if
#if GROWTHS
		:: tail == lseq && !claimed && growths < GROWTHS ->
			growths++;
			forget();
			goto again
#endif
		:: tail == lseq && !claimed ->
			d_step {
				assert(chunk[draft].unit[at] == DRAFT(me));
				chunk[draft].unit[at] = RECORD(lseq + 1);
				place[lseq + 1] = where;
				unit[lseq + 1] = at;
				home[lseq + 1] = draft;
				claimed = 1;
				after = (lcount < MAXEVENTS -> lcount + 1 : lcount);
				k = OLDEST(lseq + 1, after);
				/* go: plan.go evictOne: m.large = m.large || cost > largeBytes */
				sweeps = LARGE && k > OLDEST(lseq, lcount) && chunk[home[OLDEST(lseq, lcount)]].own;
				check();
				timely();
				drop(dir);
				mine = 1
			}
		:: else ->
			forget();
			goto again
		fi
	};
	if
	/* go: append.go append: d.chunk.holdsOnly(seq) */
	/* go: chunks.go holdsOnly: c.dead.CompareAndSwap(0, seq+1) */
	:: chunk[draft].own ->
		d_step {
			if
			:: chunk[draft].dead == 0 -> chunk[draft].dead = lseq + 2
			:: else
			fi
		}
	:: else
	fi;
publish:
	atomic {
		/* go: append.go publish: r.tail.CompareAndSwap(tail, tailOf(seq, rec.count())) */
		if
		:: tail == lseq ->
			assert(claimed);
			k = OLDEST(tail, count);
			tail = lseq + 1;
			count = after;
			after = 0;
			claimed = 0;
			do
			:: k < OLDEST(tail, count) ->
				chunk[home[k]].unit[unit[k]] = EVICTED;
				place[k] = 0;
				unit[k] = 0;
				home[k] = 0;
				k++
			:: else -> break
			od;
			check()
		:: else
		fi
	};
	atomic {
		if
		:: mine ->
			d_step {
				letgo(draft);
				draft = 0;
				where = 0;
				at = 0;
				mark = 0
			};
			forget();
			/* go: append.go append: r.settle(tail, &m, int64(size+Overhead)) */
			/* go: plan.go settle: r.sweep() */
			if
			:: sweeps -> goto sweep
			:: else -> goto next_append
			fi
		:: else ->
			forget();
			goto again
		fi
	};

help:
	atomic {
		/* go: append.go help: dir := r.dir.Load() */
		hold(dir)
	};
	atomic {
		/* go: append.go help: r.tail.Load() != tail */
		if
		:: tail != lseq ->
			forget();
			goto again
		:: else ->
			/* go: append.go help: c := dir.chunks[t.place(w)] */
			assert(claimed && directory[dir].chunk[place[lseq + 1]] == home[lseq + 1] && home[lseq + 1]);
			made = home[lseq + 1]
		fi
	};
	/* go: append.go help: c.holdsOnly(tailSeq(tail) + 1) */
	d_step {
		if
		:: chunk[made].own && chunk[made].dead == 0 -> chunk[made].dead = lseq + 2
		:: else
		fi;
		made = 0
	};
	goto publish;

sweep:
	atomic {
		swapped = 0;
		/* go: chunks.go sweep: dir := r.dir.Load() */
		hold(dir)
	};
	/* go: chunks.go sweep: r.advance(dir) */
	d_step {
		advance(dir)
	};
	/* go: chunks.go sweep: next.adopt(dir, nil, r.tail.Load()) */
	d_step {
		read_tail()
	};
	adopt();
	atomic {
		d_step {
			/* go: chunks.go sweep: r.dir.CompareAndSwap(dir, next) */
			replace(0, 0)
		};
		if
		:: !swapped ->
			drop(dir);
			goto sweep
		:: else -> swapped = 0
		fi;
		/* A large record is going to need another chunk of its own, whatever was the current one before. */
		if
		:: leaves ->
			forget();
			goto next_append
		:: else ->
			leaves = 1;
			drop(dir);
			goto reserve
		fi
	}
#if STOPPER
	} unless {
		atomic {
			halted == me + 1 ->
			forget();
			d_step {
				drop(next);
				if
				:: draft ->
					if
					:: chunk[draft].unit[at] == DRAFT(me) -> discard()
					:: else ->
						letgo(draft);
						draft = 0;
						where = 0;
						at = 0;
						mark = 0
					fi
				:: else
				fi;
				appends = 0;
				large = 0;
				seenserial = 0;
				seenused = 0;
				n = 0;
				stamp = 0;
				oldest = 0;
				alone = 0;
				made = 0;
				k = 0;
				do
				:: k < PLACES ->
					list[k] = 0;
					k++
				:: else -> break
				od;
				k = 0;
				swapped = 0;
				sweeps = 0;
				leaves = 0
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
	byte seq, dir;
end:
progress:
	do
	:: atomic {
		/* go: cursor.go Next: end := tailSeq(r.tail.Load()) */
		count > 0 ->
		seq = OLDEST(tail, count);
		do
		:: seq < tail -> seq++
		:: break
		od
		};
		/* The slot of a retained sequence does not change: looking at it is no step. */
		d_step {
			/* go: cursor.go Next: dir := r.dir.Load() */
			/* go: cursor.go Next: step.At(step.ReaderSlot) */
			/* go: cursor.go record: dir := r.dir.Load() */
			hold(dir)
		};
		d_step {
			/* go: cursor.go Next: seq < tailFirst(r.tail.Load()) */
			/* go: cursor.go record: seq < tailFirst(r.tail.Load()) */
			/* go: cursor.go Next: rec := dir.chunks[t.place(w)].record(unitOf(w)) */
			assert(seq < OLDEST(tail, count) ||
				directory[dir].chunk[place[seq]] == home[seq] && chunk[home[seq]].unit[unit[seq]] == RECORD(seq));
			drop(dir);
			seq = 0
		}
	od
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
	current = 1;
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
