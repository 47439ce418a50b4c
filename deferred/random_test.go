package deferred_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
)

// TestRandomTrees runs random programs with Deferreds and with the model of them, and compares after
// each step what was called with what, and the state of each. COROLLA_SEEDS says how many.
func TestRandomTrees(t *testing.T) {
	seeds := uint64(5000)
	if n, err := strconv.ParseUint(os.Getenv("COROLLA_SEEDS"), 10, 64); err == nil {
		seeds = n
	}
	reached := map[string]int{}
	for seed := range seeds {
		randomTree(t, seed, reached)
		if t.Failed() {
			t.Fatalf("failed with seed %d", seed)
		}
	}
	for _, want := range strings.Fields("value error fail panic inner timeout canceled again swallowed callback errback" +
		" add pause unpause cancel sleep limit then chain new") {
		if reached[want] == 0 {
			t.Errorf("no program has come to: %s", want)
		}
	}
}

// op is one step of a random program.
type op struct {
	what string
	node int
	with int           // another node
	d    time.Duration // for sleep and limit
	a    *action
}

type tree struct {
	testing.TB
	rng           *rand.Rand
	loop          *corolla.Loop
	nodes         []*ints
	paused        map[*ints]int // how often
	model         model
	real, modeled []string // what was said
	names         int
	reached       map[string]int
}

func randomTree(t testing.TB, seed uint64, reached map[string]int) {
	reports, reported := 0, []string(nil)
	p := &tree{TB: t, rng: rand.New(rand.NewPCG(seed, 0)), reached: reached, paused: map[*ints]int{}}
	p.loop = sim.New(seed).NewLoop(corolla.ErrorHandler(func(err error) { reports++; reported = append(reported, err.Error()) }))
	p.model.say = func(name string, r result) { p.modeled = append(p.modeled, fmt.Sprintf("%s:%d%s", name, r.v, r.err)) }
	p.model.do = p.doModel
	var log []string
	if err := p.loop.Run(func(task *corolla.Task) error {
		for range 3 {
			p.both(&op{what: "new", with: p.rng.IntN(4)})
		}
		for range 5 + p.rng.IntN(30) {
			o := p.random(2)
			log = append(log, fmt.Sprintf("%s %d %d", o.what, o.node, o.with))
			if o.what == "sleep" {
				if err := task.Sleep(o.d); err != nil {
					return err
				}
				p.model.pass(p.loop.Now())
			} else {
				p.both(o)
			}
			p.reached[o.what]++
			if p.compare(seed%2 == 1); t.Failed() {
				t.Logf("program: %q", log)
				return nil
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := p.loop.Close(); err != nil {
		t.Error(err)
	}
	want := 0
	for _, n := range p.model.nodes {
		if n.called && n.inner == nil && n.result.err != "" && n.result.err != "canceled" {
			want++
		}
	}
	if seed%2 == 0 && reports != want { // otherwise Result has looked at errors
		t.Errorf("%d errors were reported, want %d: %q; program: %q", reports, want, reported, log)
	}
}

var cancelers = []string{"none", "silent", "fires", "fails"}

// random makes up a step; callbacks do some of their own, to a depth.
func (p *tree) random(depth int) *op {
	kinds := strings.Fields("callback callback errback add add add add pause unpause cancel sleep limit then chain new")
	if depth < 2 { // in a callback
		kinds = strings.Fields("callback errback add pause unpause cancel")
	}
	n := len(p.nodes)
	o := &op{
		what: kinds[p.rng.IntN(len(kinds))], node: p.rng.IntN(n), with: p.rng.IntN(n),
		d: time.Duration(1+p.rng.IntN(9)) * time.Millisecond,
	}
	if o.what == "add" || o.what == "then" {
		p.names++
		o.a = &action{
			name: fmt.Sprint(p.names), on: []string{"value", "error", "both"}[p.rng.IntN(3)],
			result: strings.Fields("add add fail same panic inner inner")[p.rng.IntN(7)], inner: p.rng.IntN(n),
		}
		if o.what == "then" && o.a.on == "error" {
			o.a.on = "value"
		}
		if o.a.on == "both" && o.what == "then" && o.a.result == "inner" {
			o.a.result = "add" // ThenBoth has no form for it
		}
		if depth > 0 && p.rng.IntN(2) == 0 {
			o.a.nested = p.random(depth - 1)
		}
	}
	return o
}

func (p *tree) both(o *op) {
	p.doReal(o)
	p.doModel(o)
}

func (p *tree) compare(results bool) {
	if a, b := strings.Join(p.real, " "), strings.Join(p.modeled, " "); a != b {
		p.Errorf("said\n%s\nwant\n%s", a, b)
	}
	for i, d := range p.nodes {
		n := p.model.nodes[i]
		_, state, _ := strings.Cut(d.String(), ", ")
		if err, failed := strings.CutPrefix(state, "failed: "); failed {
			state = "failed: " + short(err)
		}
		if state != n.state() {
			p.Errorf("number %d is %s, want %s", i, state, n.state())
		}
		if !results {
			continue
		}
		switch v, err := d.Result(); {
		case (err == corolla.ErrPending) == n.settled():
			p.Errorf("number %d: Result is %v, and the model is settled: %v", i, err, n.settled())
		case err == nil && v != n.result.v:
			p.Errorf("number %d has %d, want %d", i, v, n.result.v)
		}
	}
}

// short gives an error the model's word for it.
func short(err string) string {
	for _, c := range [][2]string{{"panic in", "panic"}, {"timed out", "timeout"}, {"already called", "again"}, {"canceled", "canceled"}} {
		if strings.Contains(err, c[0]) {
			return c[1]
		}
	}
	return err
}

func (p *tree) doModel(o *op) {
	m := &p.model
	var n *mnode
	if o.what != "new" {
		n = m.nodes[o.node]
	}
	switch o.what {
	case "callback":
		p.tellModel(n, result{v: 100 * o.with})
	case "errback":
		p.tellModel(n, result{err: "bad"})
	case "add":
		n.add(mstep{a: o.a})
	case "pause":
		n.paused++
	case "unpause":
		if n.paused > 0 {
			n.paused--
			n.run()
		}
	case "cancel":
		n.cancel()
	case "limit":
		if l := (&mlimit{n: n, when: p.loop.Now() + o.d}); !n.settled() {
			m.limits = append(m.limits, l)
			n.add(mstep{limit: l})
		}
	case "then":
		e := &mnode{m: m, called: true, inner: n, canceler: "none", steps: []mstep{{a: o.a}}}
		m.nodes = append(m.nodes, e)
		n.add(mstep{outer: e})
	case "chain":
		n.add(mstep{chained: m.nodes[o.with]})
	case "new":
		m.nodes = append(m.nodes, &mnode{m: m, canceler: cancelers[o.with%4]})
	}
}

func (p *tree) tellModel(n *mnode, r result) {
	if n.swallow {
		p.reached["swallowed"]++
	}
	answer := n.fire(r) // before append, as callbacks say something too
	p.modeled = append(p.modeled, "="+answer)
}

func (p *tree) doReal(o *op) {
	var d *ints
	if o.what != "new" {
		d = p.nodes[o.node]
	}
	switch o.what {
	case "callback":
		p.tellReal(d.Callback(100 * o.with))
	case "errback":
		p.tellReal(d.Errback(errBad))
	case "add":
		p.add(d, o.a)
	case "pause":
		p.paused[d]++
		d.Pause()
	case "unpause":
		if p.paused[d] > 0 {
			p.paused[d]--
			d.Unpause()
		}
	case "cancel":
		d.Cancel(nil)
	case "limit":
		d.AddTimeout(o.d)
	case "then":
		p.nodes = append(p.nodes, p.then(d, o.a))
	case "chain":
		d.ChainTo(p.nodes[o.with])
	case "new":
		p.nodes = append(p.nodes, p.fresh(cancelers[o.with%4]))
	}
}

func (p *tree) tellReal(err error) {
	answer := ""
	if err != nil {
		answer = short(err.Error())
	}
	p.reached[answer]++
	p.real = append(p.real, "="+answer)
}

func (p *tree) fresh(canceler string) *ints {
	return map[string]func() *ints{
		"none":   func() *ints { return deferred.New[int](p.loop) },
		"silent": func() *ints { return deferred.NewCancelable(p.loop, func(*ints, error) {}) },
		"fires":  func() *ints { return deferred.NewCancelable(p.loop, func(d *ints, _ error) { _ = d.Callback(40) }) },
		"fails":  func() *ints { return deferred.NewCancelable(p.loop, func(d *ints, _ error) { _ = d.Errback(errBad) }) },
	}[canceler]()
}

// begin is what every callback does first.
func (p *tree) begin(a *action, v int, err error) {
	r := result{v: v}
	if err != nil {
		r.err = short(err.Error())
		p.reached["error"]++
	} else {
		p.reached["value"]++
	}
	p.reached[a.result]++
	p.reached[r.err]++
	p.real = append(p.real, fmt.Sprintf("%s:%d%s", a.name, r.v, r.err))
	if a.nested != nil {
		p.doReal(a.nested)
	}
}

// plain is a callback that returns no Deferred.
func (p *tree) plain(a *action) func(v int, err error) (int, error) {
	return func(v int, err error) (int, error) {
		p.begin(a, v, err)
		switch a.result {
		case "add":
			return v + 1, nil
		case "fail":
			return 5, errBad
		case "panic":
			panic(errors.New("oops"))
		}
		return v, err
	}
}

func (p *tree) inner(a *action) func(v int, err error) *ints {
	return func(v int, err error) *ints {
		p.begin(a, v, err)
		return p.nodes[a.inner]
	}
}

func (p *tree) add(d *ints, a *action) {
	f, in := p.plain(a), p.inner(a)
	switch chain := a.result == "inner"; {
	case a.on == "value" && chain:
		d.ChainCallback(func(v int) *ints { return in(v, nil) })
	case a.on == "value":
		d.AddCallback(func(v int) (int, error) { return f(v, nil) })
	case a.on == "error" && chain:
		d.ChainErrback(func(err error) *ints { return in(0, err) })
	case a.on == "error":
		d.AddErrback(func(err error) (int, error) { return f(0, err) })
	case chain:
		d.ChainBoth(in)
	default:
		d.AddBoth(f)
	}
}

func (p *tree) then(d *ints, a *action) *ints {
	f, in := p.plain(a), p.inner(a)
	switch {
	case a.result == "inner":
		return deferred.ThenChain(d, func(v int) *ints { return in(v, nil) })
	case a.on == "both":
		return deferred.ThenBoth(d, f)
	default:
		return deferred.Then(d, func(v int) (int, error) { return f(v, nil) })
	}
}
