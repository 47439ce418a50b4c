package chattest_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/examples/internal/chattest"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// echoing serves a chat that repeats somebody's last line when his connection is lost: a bug that no day
// without a fault shows. It sends in the order of a map, as the examples do.
func echoing(t *corolla.Task) error {
	ln, err := aio.Listen(t.Loop(), "tcp", ":7007")
	if err != nil {
		return err
	}
	everybody := map[*aio.Conn]bool{}
	say := func(line string) {
		for c := range everybody {
			_ = c.TryWrite([]byte(line + "\n"))
		}
	}
	return aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
		everybody[c] = true
		defer delete(everybody, c)
		last := ""
		for line, err := range c.Lines(t) {
			if err != nil {
				say(last)
				return err
			}
			last = string(line)
			say(last)
		}
		return nil
	}).Serve(t)
}

// witness is a test that notes how it fails.
type witness struct {
	testing.TB
	failed string
}

func (w *witness) Errorf(format string, a ...any) { w.failed += fmt.Sprintf(format, a...) }
func (w *witness) Failed() bool                   { return w.failed != "" }
func (w *witness) Logf(string, ...any)            {}

func set(t *testing.T, name, value string) {
	was := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, was) })
}

// TestABugIsFoundAndReplays wants the same report, with the same faults, from the seed of a failure, each time.
func TestABugIsFoundAndReplays(t *testing.T) {
	set(t, "sim.trace", t.TempDir())
	set(t, "sim.n", "0")
	c := chattest.Chat{Serve: echoing, Visit: chattest.Visitor("server:7007"), Listen: 1}
	first := &witness{TB: t}
	c.Explore(first, 300)
	_, seed, found := strings.Cut(first.failed, "-sim.seed=")
	if !found || !strings.Contains(first.failed, " faults it takes\n    ") {
		t.Fatalf("reported: %s", first.failed)
	}
	seed, _, _ = strings.Cut(seed, "\n")
	set(t, "sim.seed", seed)
	for range 5 {
		again := &witness{TB: t}
		if c.Explore(again, 300); again.failed != first.failed {
			t.Fatalf("replayed:\n%s\nwas:\n%s", again.failed, first.failed)
		}
	}
}
