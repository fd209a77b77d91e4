package main

// ofItsMemory break how chunks are reserved and freed, and the shared budget.
var ofItsMemory = []mutant{}
