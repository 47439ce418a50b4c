package corolla_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// mains are programs that TestMain becomes when it is told to.
var mains = map[string]func(t *corolla.Task) error{
	"returns": func(*corolla.Task) error { return nil },
	"fails":   func(*corolla.Task) error { return errors.New("bad luck") },
	"panics":  func(*corolla.Task) error { panic("oops") },
	"waits": func(t *corolla.Task) error {
		defer fmt.Println("cleaned up")
		fmt.Println("ready")
		return t.Park("a signal")
	},
	"is graceful": func(t *corolla.Task) error {
		fmt.Println("ready")
		_ = t.Park("a signal")
		return nil
	},
	"is stubborn": func(t *corolla.Task) error {
		fmt.Println("ready")
		_ = t.Park("a signal")
		return t.Shielded(func(*corolla.Scope) error {
			fmt.Println("ready")
			return t.Park("another signal")
		})
	},
	"leaves a task": func(t *corolla.Task) error {
		*corolla.MainGrace = time.Millisecond
		t.Loop().Go(func(t *corolla.Task) error {
			defer fmt.Println("cleaned up")
			return t.Shielded(func(*corolla.Scope) error { return t.Park("nothing") })
		}, corolla.Eager())
		return errors.New("bad luck")
	},
}

func init() {
	if main := mains[os.Getenv("COROLLA_TEST_MAIN")]; main != nil {
		corolla.Main(main, corolla.SlowLimit(0)) // the machine may be slow
	}
}

func TestMainsExitStatus(t *testing.T) {
	for _, c := range []struct {
		name    string
		signals []syscall.Signal // sent one by one, when it is ready
		status  int              // less than 0 is the end by a signal
		out     string
		err     string
	}{
		{"returns", nil, 0, "", ""},
		{"fails", nil, 1, "", "bad luck\n"},
		{"panics", nil, 2, "", "oops"},
		{"waits", []syscall.Signal{syscall.SIGTERM}, 128 + 15, "cleaned up", ""},
		{"waits", []syscall.Signal{syscall.SIGINT}, 128 + 2, "cleaned up", ""},
		{"is graceful", []syscall.Signal{syscall.SIGTERM}, 0, "", ""},
		{"leaves a task", nil, 1, "cleaned up", "bad luck\n"},
		{"is stubborn", []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, -1, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^$")
			cmd.Env = append(os.Environ(), "COROLLA_TEST_MAIN="+c.name)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var out []string
			signals := c.signals
			for in := bufio.NewScanner(stdout); in.Scan(); {
				if in.Text() != "ready" {
					out = append(out, in.Text())
				} else if len(signals) > 0 {
					if err := cmd.Process.Signal(signals[0]); err != nil {
						t.Error(err)
					}
					signals = signals[1:]
				}
			}
			_ = cmd.Wait() // the status says all
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("exit status %d, want %d", got, c.status)
			}
			if got := strings.Join(out, " "); got != c.out {
				t.Errorf("it said %q, want %q", got, c.out)
			}
			if !strings.Contains(stderr.String(), c.err) || c.err == "" && stderr.Len() > 0 {
				t.Errorf("standard error: %q, want %q", &stderr, c.err)
			}
		})
	}
}
