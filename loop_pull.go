package corolla

import (
	"iter"
	"sync"

	"github.com/corolla-go/corolla/internal/host"
)

// Pull is iter.Pull for a sequence whose body uses a loop: what the body does counts as done by
// who has called next. A body that yields inside of a scope of its consumer's task panics, for the
// consumer would go on in that scope. Like iter.Pull's, next and stop are for one goroutine at a
// time, or for a loop.
//
// What iter.Pull itself returns can be used on a loop too, but each call that its body makes of
// the loop is then slow, for it takes a look at the stack to see that it is no foreign goroutine.
func Pull[V any](seq iter.Seq[V]) (next func() (V, bool), stop func()) {
	p := new(pulled)
	pull, end := iter.Pull(func(yield func(V) bool) {
		p.begin()
		defer p.end()
		seq(func(v V) bool {
			if p.loop != nil { // else there is no scope that it could be in
				p.mustHaveLeft()
			}
			return yield(v)
		})
	})
	next = func() (V, bool) {
		if inUse.none() {
			return pull()
		}
		p.lend("next")
		v, ok := pull()
		p.back()
		return v, ok
	}
	stop = func() {
		p.lend("stop")
		end()
		p.back()
	}
	return next, stop
}

// pulled is a coroutine that Pull has made. While it is resumed on a loop, it runs the loop.
type pulled struct {
	id     uintptr // its goroutine
	caller uintptr // who resumes it
	loop   *Loop   // that the caller runs, or nil
	outer  *pulled // the caller, if it is one too
	scopes int     // that it has opened and not left
	alien  bool    // the caller is known not to run a loop
	listed bool    // among the aliens

	running bool // somebody has resumed it, and it has not yielded since
}

// mustHaveLeft panics if the generator, or one inside of it that calls its yield, is in a scope.
func (p *pulled) mustHaveLeft() {
	in := p
	if p.loop != nil && p.loop.pulled != nil {
		in = p.loop.pulled
	}
	for ; in != nil; in = in.outer {
		if in.scopes > 0 {
			panic("corolla: a generator yields inside of a scope that it has opened in its consumer's task, " +
				"which would go on in that scope; leave the scope first, or give the generator a task of its own")
		}
		if in == p {
			return
		}
	}
}

// aliens has the coroutines of Pull that are resumed by a goroutine which runs no loop.
var aliens sync.Map // of uintptr

// lend makes the coroutine the one that runs the loop which the caller runs.
func (p *pulled) lend(what string) {
	if p.running {
		panic("corolla: " + what + " of a generator that runs, or in which another task waits; " +
			"a generator is resumed by one at a time")
	}
	p.running = true
	id := host.Goroutine()
	l := inUse.at(id)
	if id != p.caller {
		p.caller = id
		p.alien = l == nil && id != 0 && !inPull()
	}
	if p.id != 0 && p.listed != (p.alien && l == nil) {
		p.list()
	}
	if p.loop = l; l != nil {
		p.outer, l.pulled = l.pulled, p
		if p.id != 0 {
			l.owner = p.id
		}
	}
}

// back gives the loop back to the caller.
func (p *pulled) back() {
	p.running = false
	if l := p.loop; l != nil {
		l.owner, l.pulled = p.caller, p.outer
		p.loop, p.outer = nil, nil
	}
}

func (p *pulled) begin() {
	p.id = host.Goroutine()
	if p.loop != nil {
		p.loop.owner = p.id
	} else if p.alien {
		p.list()
	}
}

// end is also for a body that panics, or ends its goroutine: next does not come back then.
func (p *pulled) end() {
	p.back()
	if p.listed {
		p.list()
	}
	p.id = 0 // which another goroutine may be given next
}

// list notes whether the coroutine is an alien to all loops.
func (p *pulled) list() {
	if p.listed = !p.listed; p.listed {
		aliens.Store(p.id, nil)
	} else {
		aliens.Delete(p.id)
	}
}
