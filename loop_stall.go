package corolla

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A loop that hangs cannot say so: not when a callback never returns, nor when a task waits for a mutex
// that another task of the same loop holds. So a goroutine of the host's looks, and sleeps while the
// loop does. What it finds is reported twice: to the StallHandler while it lasts, with the stack, and to
// the ErrorHandler when it is over, with how long it took.
//
// The loop publishes nothing for it but the entry that runs, in a plain variable: atomic ones for each
// callback were rejected, as each costs as much as the reading of a clock was to be spared. Whoever reads
// it asks afterwards whether the loop is still where it was, and only then uses what was read.
//
// Rejected too: to have the loop describe what it runs, as only then it is too late to ask; and labels
// of pprof on its goroutines, which tasks' own would replace and goroutines that they start would inherit.

// stall is what is remembered of a report until what it was about is over.
type stall struct {
	turn uint64
	*SlowError
}

// guard has the host watch over the run that begins.
func (l *Loop) guard() {
	l.unguard = func() {}
	if l.opt.slow <= 0 {
		return
	}
	number := goroutineNumber()
	l.unguard = l.host.Guard(l.opt.slow, func(held time.Duration, still func() bool) {
		l.stalled(number, held, still)
	})
}

// stalled reports what holds the loop. It is called by the host's goroutine, while number is the
// goroutine that has called Run.
func (l *Loop) stalled(number uintptr, held time.Duration, still func() bool) {
	what, turn := l.running()
	own, stack := stacks(number)
	if !still() {
		return // what was read may be anything
	}
	err := &SlowError{Took: held, Limit: l.opt.slow, Where: culprit(what, own), Stack: stack, Lasting: true}
	l.stall.Store(&stall{turn, err})
	defer func() {
		if v := recover(); v != nil {
			defaults().handler(fmt.Errorf("the stall handler panicked: %v; it was given: %w", v, err))
		}
	}()
	l.opt.stalled(err)
}

// running reads what only the loop's goroutine writes, which may be half of one thing and half of
// another.
//
//go:norace
func (l *Loop) running() (what runnable, turn uint64) { return l.runs.what, l.turns }

// slow reports what has just ended.
func (l *Loop) slow(took time.Duration) {
	err := &SlowError{Took: took, Limit: l.opt.slow, Where: describe(l.runs)}
	if s := l.stall.Swap(nil); s != nil && s.turn == l.turns {
		err.Stack = s.Stack
		if c, ok := l.runs.what.(*readiness); ok && c.f == nil { // it was for once, and is forgotten
			err.Where = s.Where
		}
	}
	l.report(err)
}

// maxStacks is up to how many goroutines all stacks are taken. Go stops them all meanwhile, for some
// 4 µs each, and knows no way to take one stack alone.
const maxStacks = 10_000

// stacks returns the stack of a goroutine that runs a loop, and of the one that it has resumed and
// waits for, if it has: of a task, or of a task that a task has resumed, or of a generator.
func stacks(number uintptr) (own, running []byte) {
	if n := runtime.NumGoroutine(); n > maxStacks {
		return nil, fmt.Appendf(nil, "(no stack: it would have stopped %d goroutines)\n", n)
	}
	all := make([]byte, 1<<20)
	for {
		n := runtime.Stack(all, true)
		if n < len(all) {
			all = all[:n]
			break
		}
		all = make([]byte, 2*len(all))
	}
	blocks := bytes.Split(all, []byte("\n\n"))
	own = block(blocks, func(b []byte) bool { return bytes.HasPrefix(b, fmt.Appendf(nil, "goroutine %d [", number)) })
	running = own
	for range maxNested {
		next := resumed(blocks, running)
		if next == nil {
			break
		}
		running = next
	}
	return own, append(running[:len(running):len(running)], '\n')
}

// maxNested is how deep tasks within tasks are followed.
const maxNested = 32

func block(blocks [][]byte, is func([]byte) bool) []byte {
	for _, b := range blocks {
		if is(b) {
			return b
		}
	}
	return nil
}

// resumed finds the goroutine that the one with the given stack waits for, if it waits for a coroutine.
// Stacks name a task by its address, which does not change.
func resumed(blocks [][]byte, of []byte) []byte {
	if !switched(of) {
		return nil
	}
	const runs = "\n" + module + ".(*Task).run(0x"
	if _, rest, ok := bytes.Cut(of, []byte(runs)); ok {
		address := rest[:bytes.IndexByte(rest, ')')]
		body := []byte("\n" + module + ".(*Task).body(0x" + string(bytes.TrimRight(address, "?")))
		return block(blocks, func(b []byte) bool { return bytes.Contains(b, body) })
	}
	var number uintptr // of a generator's consumer, which as a rule has made it
	if _, err := fmt.Sscanf(string(of[:bytes.IndexByte(of, '[')]), "goroutine %d", &number); err != nil {
		return nil
	}
	made := fmt.Appendf(nil, "\ncreated by iter.Pull[...] in goroutine %d\n", number)
	return block(blocks, func(b []byte) bool { return !switched(b) && bytes.Contains(b, made) })
}

// switched reports whether a goroutine waits for a coroutine, or is one that waits to be resumed.
func switched(stack []byte) bool {
	first, _, _ := bytes.Cut(stack, []byte("\n"))
	return bytes.Contains(first, []byte(" [coroutine"))
}

const module = "github.com/corolla-go/corolla"

// culprit names what runs for another goroutine, from what does not change while it runs and from
// the stack of the goroutine that runs the loop.
func culprit(what runnable, own []byte) string {
	var kind, peer string
	switch w := what.(type) {
	case nil:
		return "the loop"
	case *Task:
		return w.title()
	case *Timer:
		kind = "timer "
	case *readiness:
		kind, peer = "I/O ", w.peer()
	}
	return kind + "callback" + called(own) + peer
}

// called finds the function that the loop has called.
func called(own []byte) string {
	lines := strings.Split(string(own), "\n")
	for i := len(lines) - 1; i > 0; i-- {
		if !strings.HasPrefix(lines[i], module+".(*Loop).runSome(") {
			continue
		}
		for i -= 2; i > 0; i -= 2 {
			name := lines[i][:strings.LastIndexByte(lines[i], '(')]
			if method := strings.TrimPrefix(name, module+"."); !strings.HasSuffix(method, ".run") && !strings.HasSuffix(method, ".timeout") {
				return " " + name[strings.LastIndexByte(name, '/')+1:] + " (" + at(lines[i+1]) + ")"
			}
		}
	}
	return ""
}

// at shortens the place in a line of a stack.
func at(line string) string {
	file, _, _ := strings.Cut(strings.TrimSpace(line), " +0x")
	return filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file))
}

// peer says whose connection it is, if one's.
//
//go:norace
func (c *readiness) peer() string {
	if peer := c.of.peer; peer.Known() {
		return " for " + peer.Addr().String()
	}
	return ""
}
