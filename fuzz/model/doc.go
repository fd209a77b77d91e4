// Package model holds Promela models of the ring's lock-free protocol, which spin checks in every interleaving of a few goroutines:
// ring.pml is about slots, index, tail and growth, chunks.pml about memory. Their comments quote the Go source that each step stands for.
//
// An ordinary go test holds these quotations against the source, whole statements and in order, and wants each atomic operation of package
// ring to be quoted somewhere or to be excepted by name: who changes the protocol hears of it. With the build tag reprise_model the tests run
// spin and a C compiler as well, check the models, and then break them on purpose: each of these mutants must be refuted.
//
//	go test -tags reprise_model -v ./fuzz/model          # some three minutes, 4 GiB
//	go test -tags reprise_model -v -short ./fuzz/model   # less than one
package model
