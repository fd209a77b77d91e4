package main

// ofTheRing break the protocol of slots, index, tail and growth, and what Append and the readers do with it.
var ofTheRing = []mutant{}
