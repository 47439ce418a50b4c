package backdoor_test

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/backdoor"
	"github.com/corolla-go/corolla/green"
)

func TestKill(t *testing.T) {
	eachHost(t, func(p *program) {
		c := p.attach()
		victim := p.loop.Go(forever, corolla.Name("victim"))
		stubborn := p.loop.Go(func(t *corolla.Task) error {
			return t.Shielded(func(*corolla.Scope) error { return forever(t) })
		}, corolla.Name("stubborn"))
		p.turns(1)
		n, m := c.number("victim"), c.number("stubborn")
		c.want("kill "+n, "task "+n+" is canceled, and ends where it waits")
		if _, err := victim.Await(p.task); !errors.Is(err, backdoor.ErrKilled) || !errors.Is(err, corolla.ErrCanceled) {
			p.Errorf("the victim ended with %v", err)
		}
		none := "error: no task %q; tasks lists them with their numbers"
		c.want("kill "+n, fmt.Sprintf(none, n))
		c.want("task "+n, fmt.Sprintf(none, n))
		c.want("stack "+n, fmt.Sprintf(none, n))
		c.want("kill "+m, "task "+m+" is canceled, and ends where it waits")
		c.want("kill "+m, "task "+m+" was canceled before, and has not ended yet")
		stubborn.Task().Unpark()
		if _, err := stubborn.Await(p.task); !errors.Is(err, backdoor.ErrKilled) {
			p.Errorf("the stubborn one ended with %v", err)
		}
		own := c.number("console")
		c.want("kill "+own, "error: task "+own+" is this console; quit ends it")
		other := p.attach()
		other.want("kill "+own, "task "+own+" is canceled, and ends where it waits")
		c.ended()
		other.close()
	})
}

// A killed green thread is unwound, as by its own Kill.
func TestKillOfAGreenThread(t *testing.T) {
	eachHost(t, func(p *program) {
		c := p.attach()
		h := green.NewHub(p.loop)
		deferred, after := false, false
		th := h.Go(func() error {
			defer func() { deferred = true }()
			h.Sleep(time.Hour)
			after = true
			return nil
		}, corolla.Name("thread"))
		p.turns(1)
		n := c.number("thread")
		if got := c.ask("task " + n); !strings.Contains(got, "backdoor_test.TestKillOfAGreenThread.func1.1 (backdoor/kill_test.go:N)") ||
			!strings.Contains(got, "a sleep, ") {
			p.Errorf("described as\n%s", got)
		}
		if got := c.ask("stack " + n); !strings.Contains(got, "green.(*Hub).Sleep ") {
			p.Errorf("its stack is\n%s", got)
		}
		c.ask("kill " + n)
		if err := th.Join(); !errors.Is(err, backdoor.ErrKilled) || !deferred || after {
			p.Errorf("the thread ended with %v; deferred %v, went on %v", err, deferred, after)
		}
		c.close()
	})
}

func TestNumbersStayAndAreNeverReused(t *testing.T) {
	eachHost(t, func(p *program) {
		c := p.attach()
		begin := func(name string) *corolla.Future[struct{}] {
			f := p.loop.Go(forever, corolla.Name(name))
			p.turns(1)
			return f
		}
		a, b := begin("ann"), begin("bob")
		n, m := c.number("bob"), c.number("ann")
		if n != "1" || m != "2" {
			p.Errorf("numbers %s and %s", n, m)
		}
		c.close()
		c = p.attach()
		if got := c.number("bob"); got != n {
			p.Errorf("on another connection bob is %s", got)
		}
		b.Cancel(nil)
		if _, err := b.Await(p.task); err == nil {
			p.Error("not canceled")
		}
		again := begin("bob")
		if got := c.number("bob"); got != "3" {
			p.Errorf("another bob is %s", got)
		}
		a.Cancel(nil)
		again.Cancel(nil)
		c.close()
	})
}

func TestStackThatCannotBeSeen(t *testing.T) {
	onSim(t, func(p *program) {
		c := p.attach()
		err := p.task.Group(func(g *corolla.Group) error {
			g.SetLimit(1)
			first := g.Go(forever)
			g.Go(func(*corolla.Task) error { return nil }, corolla.Name("queued"))
			p.turns(1)
			c.want("stack "+c.number("queued"),
				"error: the stack of task 1 cannot be seen: it has not begun, or waits for one that it runs")
			first.Cancel(nil)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		c.close()
	})
}

func TestListsAreCut(t *testing.T) {
	eachHost(t, func(p *program) {
		c := p.attach()
		err := p.task.Group(func(g *corolla.Group) error {
			for i := range 50 {
				g.Go(forever, corolla.Name(fmt.Sprintf("sheep-%d", i)))
			}
			p.turns(1)
			lines := func(command string) []string { return strings.Split(strings.TrimSpace(c.ask(command)), "\n") }
			if got := lines("tasks"); len(got) != 22 || got[21] != "and 33 more; tasks WORD lists those that contain WORD" {
				p.Errorf("%d lines, of which the last is %s", len(got), got[len(got)-1])
			}
			if got := lines("tasks sheep"); len(got) != 22 || got[21] != "and 30 more; tasks WORD lists those that contain WORD" {
				p.Errorf("%d lines, of which the last is %s", len(got), got[len(got)-1])
			}
			if got := lines("tasks sheep-49"); len(got) != 2 || !strings.Contains(got[1], "sheep-49") {
				p.Errorf("%q", got)
			}
			all := c.askJSON("tasks")
			if n := len(all["tasks"].([]any)); n != 53 || all["total"] != 53.0 {
				p.Errorf("%d of %v in JSON", n, all["total"])
			}
			g.Cancel(nil)
			return nil
		})
		if err != nil {
			p.Error(err)
		}
		c.close()
	})
}

func TestJSON(t *testing.T) {
	onSim(t, func(p *program) {
		busy(p, func(c *console) {
			task := field(c.askJSON("tasks chat"), "tasks", 1)
			want := map[string]any{
				"task": 2.0, "name": "", "for": "tcp 127.0.0.1:7000 -> 127.0.0.1:49153", "state": "parked",
				"on": "reading a socket", "waiting_ms": 90004.0, "function": task["function"],
			}
			if !maps.Equal(task, want) || !strings.HasPrefix(task["function"].(string), "backdoor_test.chat (") {
				t.Errorf("tasks: %v", task)
			}
			if one := c.askJSON("task 2"); one["task"] != 2.0 || one["on"] != "reading a socket" {
				t.Errorf("task: %v", one)
			}
			if call := field(c.askJSON("stack 2"), "calls", 0); !strings.HasSuffix(call["file"].(string), "task.go") ||
				call["line"].(float64) < 1 || !strings.Contains(call["function"].(string), "corolla.(*Task)") {
				t.Errorf("stack: %v", call)
			}
			if timer := field(c.askJSON("timers"), "timers", 0); timer["in_ms"].(float64) < 3e6 || timer["task"] != nil ||
				!strings.HasPrefix(timer["what"].(string), "backdoor_test.tick (") {
				t.Errorf("timers: %v", timer)
			}
			if s := field(c.askJSON("sockets 49153"), "sockets", 1); s["fd"] != 3.0 || s["network"] != "tcp" ||
				s["local"] != "127.0.0.1:7000" || s["peer"] != "127.0.0.1:49153" || s["unsent"] != 0.0 || s["reader"] != 2.0 {
				t.Errorf("sockets: %v", s)
			}
			if jobs := c.askJSON("jobs"); len(jobs["workers"].([]any)) != 0 {
				t.Errorf("jobs: %v", jobs)
			}
			if l := c.askJSON("loop"); l["tasks"] != 5.0 || l["turn_longest_ms"] != 0.0 || l["clock_ms"].(float64) < 90_000 {
				t.Errorf("loop: %v", l)
			}
			if k := field(c.askJSON("help"), "commands", 1); k["usage"] != "tasks [WORD]" {
				t.Errorf("help: %v", k)
			}
			for command, want := range map[string]string{"dance": "unknown command", "": "unknown command", "kill 99": "no task"} {
				if e := c.askJSON(command); len(e) != 1 || !strings.HasPrefix(e["error"].(string), want) {
					t.Errorf("%s: %v", command, e)
				}
			}
			idle := p.loop.Go(forever, corolla.Name("idle"))
			p.turns(1)
			n := field(c.askJSON("tasks idle"), "tasks", 0)["task"]
			if k := c.askJSON(fmt.Sprintf("kill %v", n)); k["task"] != n || k["killed"] != true {
				t.Errorf("kill: %v", k)
			}
			if _, err := idle.Await(p.task); !errors.Is(err, backdoor.ErrKilled) {
				t.Error(err)
			}
		})
	})
}

// What was listed once is not kept.
func TestEndedTasksAreForgotten(t *testing.T) {
	onSim(t, func(p *program) {
		c := p.attach()
		var kept weak.Pointer[[1000]byte]
		func() {
			held := new([1000]byte)
			kept = weak.Make(held)
			f := p.loop.Go(func(o *corolla.Task) error {
				defer func() { held[0] = 1 }()
				return forever(o)
			}, corolla.Name("short"))
			p.turns(1)
			c.ask("kill " + c.number("short"))
			if _, err := f.Await(p.task); err == nil {
				t.Error("not killed")
			}
		}()
		c.ask("tasks")
		runtime.GC()
		if kept.Value() != nil {
			t.Error("a task that has ended is kept")
		}
		c.close()
	})
}
