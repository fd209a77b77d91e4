package testkit

import (
	"os/exec"
	"syscall"
)

// EndWithUs makes the kernel end a program when the tests are killed before they can (Linux).
func EndWithUs(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
