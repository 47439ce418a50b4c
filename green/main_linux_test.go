package green_test

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

	"github.com/corolla-go/corolla/green"
)

// mains are programs that the test program becomes when it is told to.
var mains = map[string]func(h *green.Hub) error{
	"returns": func(h *green.Hub) error {
		h.Go(func() error {
			defer fmt.Println("ended too")
			for {
				h.Sleep(time.Hour)
			}
		})
		h.Sleep(0)
		return nil
	},
	"fails": func(*green.Hub) error { return errors.New("bad luck") },
	"sleeps": func(h *green.Hub) error {
		defer fmt.Println("cleaned up")
		fmt.Println("ready")
		h.Sleep(time.Hour)
		return nil
	},
	"serves": func(h *green.Hub) error {
		ln, err := h.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		h.Go(func() error {
			c, err := h.Dial("tcp", ln.Addr().String())
			if err == nil {
				_, _ = c.Read(make([]byte, 1)) // nothing, until the server ends
			}
			return err
		})
		return h.Serve(ln, func(c *green.Conn) error {
			defer fmt.Println("cleaned up")
			fmt.Println("ready")
			return echo(c)
		})
	},
}

func init() {
	if main := mains[os.Getenv("COROLLA_TEST_MAIN")]; main != nil {
		green.Main(main)
	}
}

func TestMainsExitStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		signal syscall.Signal // sent when it is ready
		status int
		out    string
		err    string
	}{
		{"returns", 0, 0, "ended too", ""},
		{"fails", 0, 1, "", "bad luck\n"},
		{"sleeps", syscall.SIGINT, 128 + 2, "cleaned up", ""},
		{"serves", syscall.SIGTERM, 128 + 15, "cleaned up", ""},
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
			for in := bufio.NewScanner(stdout); in.Scan(); {
				if in.Text() != "ready" {
					out = append(out, in.Text())
				} else if err := cmd.Process.Signal(c.signal); err != nil {
					t.Error(err)
				}
			}
			_ = cmd.Wait() // the status says all
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("exit status %d, want %d", got, c.status)
			}
			if got := strings.Join(out, " "); got != c.out || stderr.String() != c.err {
				t.Errorf("it said %q, want %q; standard error: %q, want %q", got, c.out, &stderr, c.err)
			}
		})
	}
}
