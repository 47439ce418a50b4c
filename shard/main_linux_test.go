package shard_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/shard"
)

// mains are programs that the test becomes when it is told to.
var mains = map[string]func(s *shard.Shard) error{
	"returns": func(*shard.Shard) error { return nil },
	"fails": func(s *shard.Shard) error {
		if s.Index() == 1 {
			return errTest
		}
		return forever(s)
	},
	"panics": func(s *shard.Shard) error {
		if s.Index() == 1 {
			panic("oops")
		}
		return forever(s)
	},
	"waits":       func(s *shard.Shard) error { return untilSignal(s, func(err error) error { return err }) },
	"is graceful": func(s *shard.Shard) error { return untilSignal(s, func(error) error { return nil }) },
	"has one left": func(s *shard.Shard) error {
		if s.Index() != 2 {
			return nil
		}
		return untilSignal(s, func(err error) error { return err })
	},
	"is stubborn": func(s *shard.Shard) error {
		return untilSignal(s, func(error) error {
			return s.Task().Shielded(func(*corolla.Scope) error { return untilSignal(s, func(err error) error { return err }) })
		})
	},
	"leaves a task": func(s *shard.Shard) error {
		s.Loop().Go(func(t *corolla.Task) error {
			defer say("cleaned up")
			return t.Shielded(func(*corolla.Scope) error { return t.Park("nothing") })
		}, corolla.Eager())
		return nil
	},
}

// say writes a line in one piece, as all shards write at once.
func say(line string) { _, _ = os.Stdout.WriteString(line + "\n") }

// untilSignal says that a shard is ready, waits, and says that it has cleaned up.
func untilSignal(s *shard.Shard, end func(error) error) error {
	say("ready")
	err := forever(s)
	var sig *corolla.SignalError
	if !errors.As(err, &sig) {
		return fmt.Errorf("%v was not canceled by a signal: %w", s, err)
	}
	if err = end(err); errors.Is(err, corolla.ErrCanceled) || err == nil {
		say("cleaned up")
	}
	return err
}

func init() {
	if main := mains[os.Getenv("COROLLA_TEST_SHARDS")]; main != nil {
		if os.Getenv("COROLLA_TEST_SHARDS") == "leaves a task" {
			*shard.MainGrace = time.Millisecond
		}
		shard.Main(3, main)
	}
}

func TestMainsExitStatus(t *testing.T) {
	for _, c := range []struct {
		name    string
		ready   int              // how many shards say so before each signal
		signals []syscall.Signal // sent one by one
		status  int              // less than 0 is the end by a signal
		cleaned int
		err     string
	}{
		{"returns", 0, nil, 0, 0, ""},
		{"fails", 0, nil, 1, 0, "shard 1: on purpose\n"},
		{"panics", 0, nil, 2, 0, "oops"},
		{"waits", 3, []syscall.Signal{syscall.SIGTERM}, 128 + 15, 3, ""},
		{"waits", 3, []syscall.Signal{syscall.SIGINT}, 128 + 2, 3, ""},
		{"is graceful", 3, []syscall.Signal{syscall.SIGTERM}, 0, 3, ""},
		{"has one left", 1, []syscall.Signal{syscall.SIGTERM}, 128 + 15, 1, ""},
		{"is stubborn", 3, []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, -1, 0, ""},
		{"leaves a task", 0, nil, 0, 3, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^$")
			cmd.Env = append(os.Environ(), "COROLLA_TEST_SHARDS="+c.name)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			ready, cleaned, signals := 0, 0, slices.Clone(c.signals)
			for in := bufio.NewScanner(stdout); in.Scan(); {
				if in.Text() == "cleaned up" {
					cleaned++
				} else if ready++; ready == c.ready && len(signals) > 0 {
					if err := cmd.Process.Signal(signals[0]); err != nil {
						t.Error(err)
					}
					ready, signals = 0, signals[1:]
				}
			}
			_ = cmd.Wait() // the status says all
			if got := cmd.ProcessState.ExitCode(); got != c.status || cleaned != c.cleaned {
				t.Errorf("exit status %d, want %d; %d shards cleaned up, want %d", got, c.status, cleaned, c.cleaned)
			}
			if !strings.Contains(stderr.String(), c.err) || c.err == "" && stderr.Len() > 0 {
				t.Errorf("standard error: %q, want %q", &stderr, c.err)
			}
		})
	}
}
