package process_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/process"
)

// A program that adopts what others leave behind, as process 1 does, waits for it, and not for its own.
func TestReapOrphans(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }() // as it was possible before
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		stop := process.ReapOrphans(task.Loop())
		defer stop()
		for range 10 {
			// The orphan lives until its input ends, which is when this program has read its number.
			p, err := process.Start(task, process.Command{
				Path: "sh", Args: []string{"-c", "cat <&0 >/dev/null & echo $!; exit 3"}, Stdin: process.Pipe, Stdout: process.Pipe,
			})
			if err != nil {
				t.Fatal(err)
			}
			line, err := p.Stdout.ReadUntil(task, []byte("\n"))
			if err != nil {
				t.Fatal(err)
			}
			orphan, err := strconv.Atoi(strings.TrimSpace(string(line)))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(task); err == nil || err.Error() != "sh: exit status 3" {
				t.Errorf("our own: %v", err)
			}
			p.Close()
			if err := task.Timeout(20*time.Second, func(*corolla.Scope) error {
				for alive(t, orphan) { // also as a zombie
					if err := task.Sleep(time.Millisecond); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Errorf("orphan %d: %v", orphan, err)
			}
		}
	})
}

// A program that is told another name than that of its file.
func TestName(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		out, _, err := process.Run(task, process.Command{Path: "cat", Name: "dog", Args: []string{"/proc/self/cmdline"}}, nil)
		if string(out) != "dog\x00/proc/self/cmdline\x00" || err != nil {
			t.Errorf("%q, %v", out, err)
		}
	})
}
