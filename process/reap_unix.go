//go:build unix

package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla"
)

// onChild calls f when a child may have ended.
func onChild(l *corolla.Loop, f func()) (stop func()) {
	return l.OnSignal(func(os.Signal) { f() }, syscall.SIGCHLD)
}

// reapOrphans waits for the children that are zombies and nobody's.
func reapOrphans() error {
	ours.Lock()
	defer ours.Unlock()
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	parent := strconv.Itoa(os.Getpid())
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			continue
		}
		if _, known := ours.list.Load(pid); known {
			continue
		}
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has gone
		}
		text := string(stat)
		state := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // behind its name, which may be anything
		if len(state) > 1 && state[0] == "Z" && state[1] == parent {
			if _, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err != nil && err != syscall.ECHILD {
				return os.NewSyscallError("wait4", err)
			}
		}
	}
	return nil
}
