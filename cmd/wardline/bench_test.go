package main

import (
	"os/exec"
	"runtime"
	"testing"
)

func TestPeakMemoryIsTheChildsOwn(t *testing.T) {
	const parent = 96 << 20
	held := make([]byte, parent)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watch := watchMemory(cmd.Process.Pid)
	peak, _ := watch.stop()
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if peak <= 0 || peak > 32<<20 || watch.parent < parent {
		t.Errorf("the child had %d bytes, its parent %d", peak, watch.parent)
	}
	runtime.KeepAlive(held)
}
