package main

import (
	"syscall"
	"time"
)

// processTime returns the processor time that the process has used, and threadTime what the calling thread has used. Unlike the time that
// passes, they leave out what other programs take.
func processTime() time.Duration { return usage(syscall.RUSAGE_SELF) }
func threadTime() time.Duration  { return usage(1) } // RUSAGE_THREAD

func usage(who int) time.Duration {
	var u syscall.Rusage
	must(0, syscall.Getrusage(who, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
