package testparts

import (
	"os/exec"
	"syscall"
)

// dieWithTest lets the kernel end a part whose test binary was killed.
func dieWithTest(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
