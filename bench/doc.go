// Package bench measures Reprise beside its floors. Its benchmarks are in the test files:
//
//	go test -run '^$' -bench . ./bench             # one processor per core
//	go test -run '^$' -bench . -cpu 1,2 ./bench    # "parallel" scales; others show the collector
//
// What is not a test is shared with bench/peers, which measures the released alternatives: the ring
// by hand that everything is held against ([ByHand]), the floors under it ([Pages]), and the load
// ([Payload], [IDs], [Random]), [Histogram] and [Heap].
//
// All data of the load is free of pointers, so that no benchmark measures the collector looking
// through its own input.
package bench
