package deferred_test

import "time"

// A model of Deferreds to compare with: slow, recursive, and so short that one sees it is right. It has
// values and errors, steps, inner Deferreds, pauses, cancels and timeouts.

// action is what a callback of a random program does, there and in the model.
type action struct {
	name   string
	on     string // "value", "error" or "both": what it is called for
	nested *op    // done first, or nil
	result string // "add", "fail", "panic", "same" or "inner"
	inner  int    // the number of the Deferred that it returns
}

type result struct {
	v   int
	err string
}

type mstep struct {
	a       *action // a callback
	outer   *mnode  // or one that waits
	chained *mnode  // or one to be fired
	limit   *mlimit // or the end of a timeout
}

type mnode struct {
	m        *model
	called   bool
	running  bool
	swallow  bool
	paused   int
	inner    *mnode
	canceler string // "none", "silent", "fires" or "fails"
	result   result
	steps    []mstep
}

type mlimit struct {
	n    *mnode
	when time.Duration
	up   bool
	over bool
}

type model struct {
	nodes  []*mnode
	limits []*mlimit // in the order in which they were set
	say    func(name string, r result)
	do     func(o *op)
}

func (n *mnode) fire(r result) string {
	switch {
	case n.called && n.swallow:
		n.swallow = false
		return ""
	case n.called:
		return "again"
	}
	n.called, n.result = true, r
	n.run()
	return ""
}

func (n *mnode) add(s mstep) {
	n.steps = append(n.steps, s)
	n.run()
}

func (n *mnode) run() {
	for n.called && !n.running && n.paused == 0 && n.inner == nil && len(n.steps) > 0 {
		s := n.steps[0]
		n.steps = n.steps[1:]
		switch {
		case s.a != nil:
			n.call(s.a)
		case s.outer != nil:
			s.outer.inner = nil
			s.outer.result, n.result = n.result, result{}
			s.outer.run()
		case s.chained != nil:
			r := n.result
			n.result = result{}
			if s.chained.called {
				n.result.err = s.chained.fire(r) // which does nothing else
			} else {
				s.chained.fire(r)
			}
		case s.limit != nil:
			if s.limit.over = true; s.limit.up && n.result.err == "canceled" {
				n.result = result{err: "timeout"}
			}
		}
	}
}

// call does what a callback does.
func (n *mnode) call(a *action) {
	if a.on == "value" && n.result.err != "" || a.on == "error" && n.result.err == "" {
		return
	}
	got := n.result
	n.running = true
	n.m.say(a.name, got)
	if a.nested != nil {
		n.m.do(a.nested)
	}
	switch a.result {
	case "add":
		n.result = result{v: got.v + 1}
	case "fail":
		n.result = result{err: "bad"}
	case "panic":
		n.result = result{err: "panic"}
	case "inner":
		n.wait(n.m.nodes[a.inner])
	}
	n.running = false
}

func (n *mnode) wait(inner *mnode) {
	for in := inner; in != nil; in = in.inner {
		if in == n {
			n.result = result{err: "panic"}
			return
		}
	}
	n.inner = inner
	inner.add(mstep{outer: n})
}

func (n *mnode) cancel() {
	for n.inner != nil {
		n = n.inner
	}
	if n.called {
		return
	}
	switch n.canceler {
	case "none":
		n.swallow = true
	case "fires":
		n.fire(result{v: 40})
	case "fails":
		n.fire(result{err: "bad"})
	}
	if !n.called {
		n.fire(result{err: "canceled"})
	}
}

// pass lets time go by.
func (m *model) pass(now time.Duration) {
	for {
		var next *mlimit
		for _, l := range m.limits {
			if !l.over && !l.up && l.when <= now && (next == nil || l.when < next.when) {
				next = l
			}
		}
		if next == nil {
			return
		}
		next.up = true
		next.n.cancel()
	}
}

func (n *mnode) settled() bool {
	return n.called && !n.running && n.paused == 0 && n.inner == nil && len(n.steps) == 0
}

// state is the end of what String says.
func (n *mnode) state() string {
	switch {
	case !n.called:
		return "not fired"
	case n.inner != nil:
		return "waiting for another"
	case n.paused > 0:
		return "paused"
	case n.result.err != "":
		return "failed: " + n.result.err
	}
	return "fired"
}
