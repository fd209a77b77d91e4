package main

import (
	"syscall"
	"time"
	"unsafe"
)

// processTime returns the processor time that the process has used, and threadTime what the calling
// thread has used. Unlike the time that passes, they leave out what other programs take.
func processTime() time.Duration { return clockTime(2) } // CLOCK_PROCESS_CPUTIME_ID
func threadTime() time.Duration  { return clockTime(3) } // CLOCK_THREAD_CPUTIME_ID

// clockTime reads one of the system's clocks. getrusage would tell the same at the resolution of
// the scheduler's tick.
func clockTime(clock uintptr) time.Duration {
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		panic(errno)
	}
	return time.Duration(t.Nano())
}
