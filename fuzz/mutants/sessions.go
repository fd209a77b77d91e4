package main

// ofSessions break the session manager: lifecycle, expiry, limits, and the wheel and the counters
// below it.
var ofSessions = []mutant{
	{"a touch moves activity backwards", "shard/activity.go", []change{{
		"if st.isEnded() || st.activity() >= now {",
		"if st.isEnded() {"}},
		check{"shard", "TestActivityNeverMovesBack", ""}},
	{"an append does not count as activity", "shard/append.go", []change{{
		"now > st.activity() && !s.state.CompareAndSwap(uint64(st), uint64(st.at(now)))",
		"now < 0"}, {
		"now-st.activity() >= coarseUntil(s.idleLimit, s.home.exactBelow) ||",
		"false ||"}},
		check{"shard", "TestActivityHoldsExpiryOffForAsLongAsItGoesOn", ""}},
	{"terminating does not release the log", "shard/end.go", []change{{
		"log.Release()",
		"log.Stats()"}},
		check{"shard", "TestTerminatedSessionRefusesEverythingAndForgetsItsEvents", ""}},
	{"an ended session keeps its place", "shard/end.go", []change{{
		"m.limits.release(md.principal())",
		"_ = md"}},
		check{"shard", "TestMaxSessionsIsExactAndAnEndedSessionFreesItsPlaceAtOnce", ""}},
	{"an ended session's state is not compared", "shard/end.go", []change{{
		"if !s.state.CompareAndSwap(uint64(st), uint64(st.in(to))) {",
		"if s.state.Store(uint64(st.in(to))); false {"}},
		check{"shard", "TestExpirerThatWasOvertakenChangesNothing", ""}},
	{"finishing does not close the log", "shard/end.go", []change{{
		"uint64(st.in(finished))) {\n\t\t\ts.closeLog()",
		"uint64(st.in(finished))) {"}},
		check{"shard", "TestWaiterIsWokenByAppendFinishTerminateAndExpiry", ""}},
	{"expiry does not look at attached streams", "shard/expiry.go", []change{{
		"now-st.activity() >= s.idleLimit && s.attached.Load() == 0",
		"now-st.activity() >= s.idleLimit"}},
		check{"shard", "TestAttachedStreamHoldsExpiryOff", ""}},
	{"the last detach does not stamp", "shard/attach.go", []change{{
		"\t\tif n == 1 {\n\t\t\ts.touch()\n\t\t}\n",
		""}},
		check{"shard", "TestAttachedStreamHoldsExpiryOff", ""}},
	{"an ended session keeps its log after the last detach", "shard/attach.go", []change{{
		"\tif st.isEnded() {\n\t\ts.log.Discard()",
		"\tif false {\n\t\ts.log.Discard()"}},
		check{"shard", "TestAttachedReaderReadsToTheEndOfAnEndedSession", ""}},
	{"MaxSessions is off by one", "shard/limits.go", []change{{
		"n >= int64(l.max)",
		"n > int64(l.max)"}},
		check{"shard", "TestMaxSessionsIsExactAndAnEndedSessionFreesItsPlaceAtOnce", ""}},
	{"MaxAttached is off by one", "shard/attach.go", []change{{
		"int(n) >= limit",
		"int(n) > limit"}},
		check{"shard", "TestMaxAttachedIsExactUnderConcurrency", ""}},
	{"an earlier alarm does not wake the driver", "shard/driver.go", []change{{
		"\t\t\tcase d.moved <- struct{}{}:\n",
		""}},
		check{"shard", "TestSleepingDriverIsWokenForASessionThatExpiresEarlier", ""}},
	{"a lingering session gives its ID away", "shard/create.go", []change{{
		"!st.isEnded() || !s.lingerOver(now)",
		"!st.isEnded()"}},
		check{"shard", "TestTakenIDIsErrExistsAlsoWhileItsSessionLingers", ""}},
	{"any principal will do", "shard/lookup.go", []change{{
		"subtle.ConstantTimeCompare([]byte(owner), []byte(principal)) == 0",
		"subtle.ConstantTimeCompare([]byte(owner), []byte(principal)) == 2"}},
		check{"shard", "TestWrongPrincipalIsRefused", ""}},
	{"a timer fires a tick early", "internal/wheel/wheel.go", []change{{
		"(clamp(reading)+1<<w.shift-1)>>w.shift",
		"clamp(reading)>>w.shift"}},
		check{"internal/wheel", "TestTimerNeverFiresEarlyAndAtMostATickLate", ""}},
	{"a timer is lost when its slot is emptied", "internal/wheel/wheel.go", []change{{
		"\tif heads := w.slots[level]; heads != nil && heads[slot].empty() {",
		"\tif heads := w.slots[level]; heads != nil {"}},
		check{"internal/wheel", "TestMillionTimersAgreeWithASortedList", ""}},
}
