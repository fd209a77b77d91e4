// Package model holds a Promela model of the ring's lock-free protocol, ring.pml, which spin checks
// in every interleaving of a few goroutines. Its comments quote the Go source that each step stands
// for.
//
// A test holds these quotations against the source, whole statements and in order, and wants each
// atomic operation of package ring to be quoted somewhere or to be excepted by name: who changes
// the protocol hears of it. Others run spin and a C compiler, check the model, and then break it on
// purpose: each of these mutants must be refuted. All have the build tag model.
//
//	go test -tags model -v ./fuzz/model
//	    # 19 searches of up to two minutes and 1.9 GiB each, two at a time
//	go test -tags model -v -short ./fuzz/model   # most of one, and less memory
package model
