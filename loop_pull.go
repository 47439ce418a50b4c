package corolla

import (
	"iter"
	"sync"

	"github.com/corolla-go/corolla/internal/host"
)

// Pull is iter.Pull for a sequence whose body uses a loop: what the body does counts as done by
// the caller of next. A body that yields inside a scope that it opened in its consumer's task
// panics, because the consumer would continue in that scope. Like iter.Pull's, next and stop are
// for one goroutine at a time, or for one loop.
//
// What iter.Pull itself returns works on a loop too, but each of its body's calls to the loop is
// then slow: it walks the stack to see that it does not come from a foreign goroutine.
func Pull[V any](seq iter.Seq[V]) (next func() (V, bool), stop func()) {
	p := new(pulled)
	pull, end := iter.Pull(func(yield func(V) bool) {
		p.begin()
		defer p.end()
		seq(func(v V) bool {
			if p.loop != nil { // otherwise there is no scope that it could be in
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

// pulled is a coroutine made by Pull. While it is resumed on a loop, it runs the loop.
type pulled struct {
	id     uintptr // its goroutine
	caller uintptr // the goroutine that resumes it
	loop   *Loop   // the one that the caller runs, or nil
	outer  *pulled // the caller, if it is a generator too
	scopes int     // opened by it and not left
	alien  bool    // the caller is known not to run a loop
	listed bool    // among the aliens

	running bool // it was resumed, and has not yielded since
}

// mustHaveLeft panics if the generator, or one inside it that calls its yield, is in a scope.
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

// aliens holds the coroutines of Pull that are resumed by a goroutine that runs no loop.
var aliens sync.Map // of uintptr

// lend makes the coroutine the goroutine that runs the caller's loop.
func (p *pulled) lend(what string) {
	if p.running {
		panic("corolla: " + what + " of a generator that is running, or in which another task waits; " +
			"only one caller at a time can resume a generator")
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

// end also covers a body that panics or ends its goroutine, after which pull does not return.
func (p *pulled) end() {
	p.back()
	if p.listed {
		p.list()
	}
	p.id = 0 // another goroutine may be given the same one next
}

// list adds the coroutine to the aliens, or removes it.
func (p *pulled) list() {
	if p.listed = !p.listed; p.listed {
		aliens.Store(p.id, nil)
	} else {
		aliens.Delete(p.id)
	}
}
