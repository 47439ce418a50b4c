package corolla

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/corolla-go/corolla/internal/host"
)

// A loop has no locks, so a call from a goroutine that does not run it is a data race, whose
// effects show up much later and elsewhere. Every method that belongs to the loop therefore checks
// its caller first. That costs about two nanoseconds: the loop knows which goroutine is running now,
// its own or that of a task or a generator, and compares it with the caller's.
//
// Rejected: the number in a stack trace, which takes microseconds and is used only in debug mode
// on processors that host.Goroutine does not support; and a lock or an atomic variable, which would
// catch two simultaneous callers but not a single wrong one.

// Check panics if the calling goroutine does not run the loop, with a message that names what was
// called and says what to do instead. A loop that is not running can be used from any goroutine.
// Check is for types that belong to a loop. Safe from any goroutine.
func (l *Loop) Check(what string) { l.check(what) }

// check reads what only the loop's goroutine writes. That goroutine sees what it wrote itself, and
// any other sees something that is not its own number.
//
//go:norace
func (l *Loop) check(what string) {
	if l.owner != 0 && l.owner != host.Goroutine() {
		l.stranger(what)
	}
}

// self identifies the calling goroutine, or returns 0 where it cannot do so cheaply.
func (l *Loop) self() uintptr {
	if id := host.Goroutine(); id != 0 || !l.opt.debug {
		return id
	}
	return goroutineNumber()
}

// own makes the calling goroutine the one that may use the loop.
func (l *Loop) own() {
	l.owner = l.self()
	l.begun = l.owner
	inUse.add(l)
}

// disown lets any goroutine use the loop.
func (l *Loop) disown() {
	l.owner = 0
	inUse.remove(l)
}

// stranger decides about a caller that is not known to be on the loop. A coroutine made by iter.Pull
// may be: there is no telling who resumed it. Our own Pull does know, and records it.
//
//go:norace
func (l *Loop) stranger(what string) {
	id := l.self()
	if id == l.owner {
		return // on a processor that host.Goroutine does not support
	}
	other := inUse.at(id)
	_, alien := aliens.Load(id)
	if other != nil && other.within(l) || other == nil && !alien && inPull() {
		return
	}
	where := "the loop" + quoted(l.opt.name)
	if other != nil && other.opt.name != "" {
		where += ", but" + quoted(other.opt.name)
	}
	panic("corolla: " + what + " called from a goroutine that does not run " + where + "; " +
		"use Post to hand the loop a function that calls it")
}

// quoted returns a name in quotes with a space before it, or nothing if it is empty.
func quoted(name string) string {
	if name == "" {
		return ""
	}
	return " " + strconv.Quote(name)
}

// CheckOutside panics if called on the goroutine that runs the loop, with a message that names what
// was called. It is for functions that block until the loop has done something. Safe from any
// goroutine.
func (l *Loop) CheckOutside(what string) {
	if l.onLoop() {
		panic("corolla: " + what + " on the goroutine that runs the loop would wait for itself; " +
			"start a task with Go and Await its future, or use a call that takes a task")
	}
}

// CheckNoLoop panics if the calling goroutine runs a loop, whichever it is, with a message that names what was
// called. It is for functions that block for a long time, and know no loop. Safe from any goroutine.
func CheckNoLoop(what string) {
	if l := inUse.at(host.Goroutine()); l != nil {
		panic("corolla: " + what + " on the goroutine that runs the loop" + quoted(l.opt.name) + " would block that loop; " +
			"call it on a goroutine of its own, as Offload does")
	}
}

// within reports whether l runs inside a callback or a task of outer, on the same goroutine.
//
//go:norace
func (l *Loop) within(outer *Loop) bool {
	for ; l != nil; l = inUse.at(l.begun) {
		if l.begun == outer.owner {
			return true
		}
		if l.owner == l.begun { // at would find l again
			return false
		}
	}
	return false
}

// onLoop reports whether the calling goroutine runs the loop. Safe from any goroutine.
//
//go:norace
func (l *Loop) onLoop() bool {
	id := l.self()
	return id != 0 && l.owner == id
}

// inPull reports whether the calling goroutine is a coroutine made by iter.Pull.
func inPull() bool {
	var pcs [64]uintptr
	for skip := 0; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var f runtime.Frame
			if f, more = frames.Next(); strings.HasPrefix(f.Function, "iter.Pull") {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// loops is a set of loops that any goroutine can search.
type loops struct {
	mu  sync.Mutex // held to change it
	all atomic.Pointer[[]*Loop]
}

// inUse holds the loops that are running or being closed.
var inUse loops

func (s *loops) get() []*Loop {
	if all := s.all.Load(); all != nil {
		return *all
	}
	return nil
}

func (s *loops) add(l *Loop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(slices.Clip(s.get()), l)
	s.all.Store(&all)
}

func (s *loops) remove(l *Loop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(s.get()), func(o *Loop) bool { return o == l })
	if len(all) == 0 {
		s.all.Store(nil)
	} else {
		s.all.Store(&all)
	}
}

func (s *loops) none() bool { return s.all.Load() == nil }

// at returns the loop that a goroutine runs, or nil. If one runs inside a callback of another, it is
// the inner one.
//
//go:norace
func (s *loops) at(id uintptr) *Loop {
	for _, l := range slices.Backward(s.get()) {
		if id != 0 && l.owner == id {
			return l
		}
	}
	return nil
}
