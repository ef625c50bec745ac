package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const mostOfOneRole = 64

// claimName gives this process a name that no other running process on this data folder has, and that the next one
// takes over when this one dies: by it, the jobs of a killed process are known for orphans. release frees it.
func claimName(dataFolder, role string) (name string, release func(), err error) {
	folder := filepath.Join(dataFolder, "locks")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", nil, fmt.Errorf("make lock folder: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return "", nil, fmt.Errorf("read host name: %w", err)
	}
	for i := 1; i <= mostOfOneRole; i++ {
		file, err := os.OpenFile(filepath.Join(folder, fmt.Sprintf("%s-%d.lock", role, i)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return "", nil, fmt.Errorf("open lock: %w", err)
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return fmt.Sprintf("%s-%s-%d", host, role, i), func() { _ = file.Close() }, nil
		}
		_ = file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return "", nil, fmt.Errorf("lock %s: %w", file.Name(), err)
		}
	}
	return "", nil, fmt.Errorf("%d processes of role %s use %s already", mostOfOneRole, role, dataFolder)
}
