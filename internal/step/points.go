package step

// The ring's append, in order: an Append passes the points from TailRead to Published, again from
// the top when it lost a race.
const (
	TailRead   Point = iota // the tail is known, table and slot are not
	SlotRead                // tail, table and slot have been read, not yet the tail again
	Looked                  // the ID is not retained
	Reserved                // space for the record is reserved, nothing written
	Written                 // the record is complete and private
	Claimed                 // the record is in its slot, not in the index
	Indexed                 // …and in the index, not yet behind the tail
	Published               // readers see the event, nobody has been woken
	Waking                  // …the waiters are known, and still asleep
	Frozen                  // growth: the old table takes no more events
	Copied                  // growth: the new table is complete and private
	Installing              // the next chunk is allocated, the directory does not have it
	Installed               // the directory has it, reservations still go to the old chunk
	ReaderSlot              // a reader knows the slot's word and the directory, and has not looked at the tail again
)
