package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// This file has what happens to machines and clients, one thing after the other.

type play struct {
	*testing.T
	*machines
	task  *corolla.Task
	crowd *crowd
	every time.Duration // somebody says something
	quiet bool          // nobody does
}

// lastResort is when waiting is given up. Nothing takes so long but what will not come.
const lastResort = 5 * time.Minute

// stage runs a play, on a loop of the test's goroutine.
func stage(t *testing.T, p *play, act func(p *play)) {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	leaktest.NeedLoop(t, err)
	p.T = t
	if err := corolla.RunOnce(l, nil, func(task *corolla.Task) error {
		p.task = task
		talk := l.Go(func(t *corolla.Task) error {
			return corolla.Every(t, p.every, func() error {
				if !p.quiet {
					p.crowd.speak(l.Now())
				}
				return nil
			})
		})
		defer talk.Cancel(nil)
		p.quiet = true
		act(p)
		p.crowd.over = true
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// until waits until something is so, and why says what it is not.
func (p *play) until(what string, why func() string) {
	p.Helper()
	for end := p.task.Loop().Now() + lastResort; ; {
		p.take()
		reason := why()
		if reason == "" {
			return
		}
		if p.task.Loop().Now() > end {
			for _, n := range p.nodes {
				p.Logf("%s has printed\n%s", n.name, n.printed())
			}
			p.Fatalf("has not come within %v: %s; %s", lastResort, what, reason)
		}
		p.sleep(20 * time.Millisecond)
	}
}

func (p *play) sleep(d time.Duration) {
	p.Helper()
	if err := p.task.Sleep(d); err != nil {
		p.Fatal(err)
	}
}

// during lets clients talk for a while.
func (p *play) during(d time.Duration) {
	p.Helper()
	for end := p.task.Loop().Now() + d; p.task.Loop().Now() < end; {
		p.take()
		p.sleep(min(d, 20*time.Millisecond))
	}
}

// settle waits, with nobody talking, until everybody has heard everything.
func (p *play) settle(what string) {
	p.Helper()
	was, begun := p.quiet, p.task.Loop().Now()
	p.quiet = true
	p.until(what, p.crowd.unsettled)
	p.quiet = was
	p.Logf("%v until %s", (p.task.Loop().Now() - begun).Round(time.Millisecond), what)
}

// calmly lets clients talk while nothing is broken.
func (p *play) calmly(d time.Duration) {
	p.Helper()
	p.crowd.calm = true
	p.during(d)
	p.settle("all was heard")
	p.crowd.calm = false
}

// begin starts all nodes and clients.
func (p *play) begin() {
	p.Helper()
	for _, n := range p.nodes {
		n.start()
	}
	for _, n := range p.nodes {
		p.until(n.name+" to listen", n.notReady)
	}
	p.crowd.start(p.task.Loop())
	p.settle("everybody had joined")
	p.quiet = false
}

// killed kills a node, and starts it again a little later.
func (p *play) killed(n *node, gone time.Duration) {
	p.Helper()
	n.kill()
	p.during(gone)
	n.start()
	p.until(n.name+" to be back", n.notReady)
	p.crowd.goHome(n)
	p.settle("all was heard, after " + n.name + " was gone")
}

func (n *node) notReady() string {
	if n.ready {
		return ""
	}
	return "it has printed\n" + n.printed()
}

// workerKilled kills one of a node's workers, which its parent replaces.
func (p *play) workerKilled(n *node) {
	p.Helper()
	all := n.processes()
	worker := all[len(all)-1].pid
	if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
		p.Fatal(err)
	}
	p.until("another worker of "+n.name, func() string {
		now := n.processes()
		if len(now) == len(all) && !slices.ContainsFunc(now, func(one process) bool { return one.pid == worker }) {
			return ""
		}
		return fmt.Sprint("there are ", now)
	})
	p.settle("all was heard, after a worker of " + n.name + " was gone")
}

// reloaded has a node's workers replaced by others.
func (p *play) reloaded(n *node, generation int) {
	p.Helper()
	n.signal(syscall.SIGHUP)
	p.until(n.name+" to be reloaded", func() string {
		for _, k := range p.crowd.clients {
			if k.on.Node == n.name && k.on.Generation != generation || !k.joined {
				return fmt.Sprintf("%s is on %+v", k.name, k.on)
			}
		}
		return ""
	})
	p.settle("all was heard, after " + n.name + " was reloaded")
}

// cutOff cuts a node off from the others for some time.
func (p *play) cutOff(n *node, d time.Duration) {
	p.Helper()
	n.cut()
	p.during(d)
	n.heal()
	p.settle("all was heard, after " + n.name + " was cut off")
}

// rolled has a node's workers replaced by those of another version.
func (p *play) rolled(n *node, version string) {
	p.Helper()
	if err := os.Rename(p.build(version), n.program); err != nil {
		p.Fatal(err)
	}
	n.signal(syscall.SIGHUP)
	p.until(n.name+" to have version "+version, func() string {
		for _, k := range p.crowd.clients {
			if k.on.Node == n.name && k.on.Version != version || !k.joined {
				return fmt.Sprintf("%s is on %+v", k.name, k.on)
			}
		}
		return ""
	})
	p.settle("all was heard, after " + n.name + " was rolled")
}

// build returns a new program of a version.
func (p *play) build(version string) string {
	p.Helper()
	file := filepath.Join(p.store, "corolla-"+version)
	out, err := corolla.Offload(p.task.Loop(), func() ([]byte, error) { // clients go on meanwhile
		flags := "-X github.com/corolla-go/corolla/internal/program.Version=" + version
		return exec.Command("go", "build", "-o", file, "-ldflags", flags, ".").CombinedOutput()
	}).Await(p.task)
	if err != nil {
		p.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

// end has the checker look at everything, and shows that it sees it when one message is dropped.
func (p *play) end() {
	p.Helper()
	p.settle("everything was heard")
	p.until("everybody to be present", p.crowd.present)
	for _, w := range p.crowd.verdict(p.crowd.ears) {
		p.Error(w)
	}
	if got := p.crowd.verdict(p.crowd.without()); len(got) != 1 || !strings.Contains(got[0], " missed ") {
		p.Errorf("one message was dropped, and the checker says %q", got)
	}
	p.figures()
	for _, n := range p.nodes {
		n.signal(syscall.SIGTERM)
	}
	p.crowd.over = true
	for _, n := range p.nodes {
		p.ended(n)
	}
}

func (p *play) figures() {
	p.Helper()
	heards := 0
	for _, h := range p.crowd.ears {
		heards += len(h)
	}
	c := p.crowd
	p.Logf("%d clients said %d messages, and heard %d; %d connections, of which %d were lost without a word; %d were told to wait",
		len(c.clients), len(c.order), heards, c.visits, c.lost, c.waits)
	if len(c.acked) == 0 {
		return // nothing was timed
	}
	p.Logf("said until acknowledged: p50 %v, p99 %v; until heard on the same node: p50 %v, p99 %v; on another: p50 %v, p99 %v",
		percentile(c.acked, 50), percentile(c.acked, 99), percentile(c.near, 50), percentile(c.near, 99), percentile(c.far, 50), percentile(c.far, 99))
	p.Logf("so the hop to another node adds %v to the p50, and %v to the p99",
		percentile(c.far, 50)-percentile(c.near, 50), percentile(c.far, 99)-percentile(c.near, 99))
}

// ended waits until a node that was told to end has, in order.
func (p *play) ended(n *node) {
	p.Helper()
	for {
		select {
		case e := <-p.events:
			if e.ended != nil && e.life == e.node.life {
				e.node.cmd = nil
			}
			if e.ended != nil && e.ended != errEnded {
				p.Errorf("%s: %v, having printed\n%s", e.node.name, e.ended, e.node.printed())
			}
		default:
		}
		if n.cmd == nil {
			return
		}
		p.sleep(time.Millisecond)
	}
}

// memory logs how much memory the nodes use.
func (p *play) memory(when string) {
	p.Helper()
	var text []string
	for _, n := range p.nodes {
		all := n.processes()
		var workers []string
		sum := int64(0)
		for i, one := range all {
			if sum += one.resident; i > 0 {
				workers = append(workers, fmt.Sprint(one.resident>>20))
			}
		}
		slices.Sort(workers)
		text = append(text, fmt.Sprintf("%s %d MB: parent %d, workers %s", n.name, sum>>20, all[0].resident>>20, strings.Join(workers, " ")))
	}
	p.Logf("%s: %s", when, strings.Join(text, "; "))
}
