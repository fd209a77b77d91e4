package pebble

import (
	"os/exec"
	"syscall"
)

// endWithUs makes the kernel end a program when the tests are killed before they can.
func endWithUs(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
