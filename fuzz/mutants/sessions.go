package main

// ofSessions break the session manager: lifecycle, expiry, limits, and the wheel and the counters below it.
var ofSessions = []mutant{
	{"a touch moves activity backwards", "shard/life.go", []change{{
		"if w.ended() || w.activity() >= now {",
		"if w.ended() {"}},
		check{"shard", "TestActivityNeverMovesBack", ""}},
	{"an append does not count as activity", "shard/log.go", []change{{
		"now > w.activity() && !s.word.CompareAndSwap(uint64(w), uint64(w.at(now)))",
		"now < 0"}, {
		"now-w.activity() >= fresh(s.life) ||",
		"false ||"}},
		check{"shard", "TestActivityHoldsExpiryOffForAsLongAsItGoesOn", ""}},
	{"terminating does not release the log", "shard/end.go", []change{{
		"log.Release()",
		"log.Stats()"}},
		check{"shard", "TestTerminatedSessionRefusesEverythingAndForgetsItsEvents", ""}},
	{"an ended session keeps its place", "shard/end.go", []change{{
		"m.places.free(md.principal())",
		"_ = md"}},
		check{"shard", "TestMaxSessionsIsExactAndAnEndedSessionFreesItsPlaceAtOnce", ""}},
	{"an ended session's word is not compared", "shard/end.go", []change{{
		"if !s.word.CompareAndSwap(uint64(w), uint64(w.in(to))) {",
		"if s.word.Store(uint64(w.in(to))); false {"}},
		check{"shard", "TestExpirerThatWasOvertakenChangesNothing", ""}},
	{"finishing does not close the log", "shard/end.go", []change{{
		"uint64(w.in(finished))) {\n\t\t\ts.closeLog()",
		"uint64(w.in(finished))) {"}},
		check{"shard", "TestWaiterIsWokenByAppendFinishTerminateAndExpiry", ""}},
	{"expiry does not look at attached streams", "shard/life.go", []change{{
		"now-w.activity() < s.life || s.attached.Load() != 0",
		"now-w.activity() < s.life"}},
		check{"shard", "TestAttachedStreamHoldsExpiryOff", ""}},
	{"the last detach does not stamp", "shard/attach.go", []change{{
		"\t\tif n == 1 {\n\t\t\ts.touch()\n\t\t}\n",
		""}},
		check{"shard", "TestAttachedStreamHoldsExpiryOff", ""}},
	{"an ended session keeps its log after the last detach", "shard/attach.go", []change{{
		"\tif w.ended() {\n\t\ts.log.Store(nil)",
		"\tif false {\n\t\ts.log.Store(nil)"}},
		check{"shard", "TestAttachedReaderReadsToTheEndOfAnEndedSession", ""}},
	{"MaxSessions is off by one", "shard/places.go", []change{{
		"n >= int64(p.max)",
		"n > int64(p.max)"}},
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
		"!w.ended() || !s.gone(now)",
		"!w.ended()"}},
		check{"shard", "TestTakenIDIsErrExistsAlsoWhileItsSessionLingers", ""}},
	{"any principal will do", "shard/manager.go", []change{{
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
