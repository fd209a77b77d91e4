package shard

// A state is a session's state: in the low three bits its phase, above them its last activity, a
// reading of the clock in nanoseconds. Both change together, by compare-and-swap, which is what
// makes the session's end exact:
//
//   - Whoever ends a session swaps the very state that it judged. If anybody touched the session
//     meanwhile, the swap fails and the session is judged anew; if the swap succeeds, every later
//     touch finds an ended session. So neither overrules the other.
//   - Phases only go forward and activity only goes up.
//
// An idle session ends when now - activity >= TTL + grace and no reader is attached. With now
// exact, activity must be no later than the true time of the last activity, and no earlier than
// that by more than grace. Then no session ends before its TTL, and from TTL + grace on, hence from
// TTL + Tick on, every call refuses it. The readings are:
//
//   - Exact stamps, by everything but Append, are both.
//   - Append stamps the coarse reading, for an exact one would cost it half as much again. That is
//     never late, and early only by the time that the scheduler kept the clock's timer waiting:
//     normally under 1 ms, and grace is three quarters of a Tick.
//   - A coarse reading may be early by more on a starved machine, and then a session would be found
//     alive too long. So it decides only while half of the TTL remains; otherwise the exact clock
//     is read. Sessions for which its error matters go by exact readings alone, also to stamp: see
//     coarseTTL.
//
// Attached readers are counted beside the state (Session.attached). Attach adds itself and then
// stamps; detach stamps and then subtracts, if it is the last. An expirer reads the state, then the
// count, then swaps the state: if the count was raised after it was read, the stamp that followed
// makes the swap fail.
type state uint64

type phase uint64

const (
	active     phase = iota
	finished         // by Finish: the log is closed, and still readable
	drained          // ended after finished, its time to be read being over
	terminated       // ended by Terminate or Close
	expired          // ended for want of activity
)

const phaseBits = 3

// activityBias makes room below 0: the last activity of a session that was loaded may lie before
// the first reading of this process's clock.
const activityBias = 1 << 58

func newState(p phase, activity int64) state {
	return state(activity+activityBias)<<phaseBits | state(p)
}

func (st state) phase() phase           { return phase(st & (1<<phaseBits - 1)) }
func (st state) activity() int64        { return int64(st>>phaseBits) - activityBias }
func (st state) isEnded() bool          { return st.phase() >= drained }
func (st state) in(p phase) state       { return newState(p, st.activity()) }
func (st state) at(reading int64) state { return newState(st.phase(), reading) }

func (st state) status() Status {
	switch st.phase() {
	case active:
		return Active
	case terminated:
		return Terminated
	case expired:
		return Expired
	}
	return Finished
}
