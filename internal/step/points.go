package step

// The ring's protocol. An append that nothing is in the way of passes WordRead, PageRead, Planned,
// Owned, Written, Inserting for an ID of its own, Publishing and Published. What it cannot do as
// owner it proposes, from Proposing to Withdrawing; those who settle somebody else's proposal pass
// the same points from Sealing on.
const (
	WordRead         Point = iota // the state word is known, the current page is not
	PageRead                      // …and the page, not the directory
	DirectoryRead                 // …and the directory
	Planned                       // all is worked out and nothing owned
	Owned                         // the ring is busy, nothing is written
	Written                       // an event is written; in a batch, before the others are
	Inserting                     // an index entry is about to be put
	Publishing                    // all is written, nothing is visible
	Published                     // readers see the events, nobody has been woken
	Waking                        // …the waiters are known, and still asleep
	Proposing                     // a proposal is complete and private
	Proposed                      // …and known to others
	Sealing                       // the word is about to be sealed
	Sealed                        // the owner has lost the ring
	DirectorySwapped              // the larger directory is in use
	Entering                      // the complete page is about to be entered
	Entered                       // …and is in the directory
	PageSwapped                   // the new page is the current one
	Decided                       // the proposal's maker is about to learn that it has won
	Sweeping                      // an evicted page is about to be taken out
	Withdrawing                   // the proposal is about to be taken out
	WriterPoints                  // how many there are up to here; those that follow are readers'

	ReaderWord  // a reader knows the word
	ReaderPage  // …and the current page
	ReaderEntry // …and the directory, whose entries it is about to read
)
