package history_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla/sim/history"
)

// clock is a time that the test sets.
type clock struct{ at time.Duration }

func (c *clock) now() time.Duration { return c.at }

// play is an operation on a register: how it ends, and when.
type play struct {
	client     int
	from, till time.Duration // a till of 0 is never
	in         history.RegisterOp[int]
	out        int
	failed     bool
}

// logged returns the log of operations that take the times that they say.
func logged(plays []play) *history.Log[history.RegisterOp[int], int] {
	c := &clock{}
	l := history.NewLog[history.RegisterOp[int], int](c.now)
	begun := map[int]*history.Op[history.RegisterOp[int], int]{}
	for c.at = 1; c.at < 10; c.at++ {
		for i, p := range plays {
			if p.from == c.at {
				begun[i] = l.Begin(p.client, p.in)
			}
			if p.till == c.at && p.failed {
				begun[i].Fail()
			} else if p.till == c.at {
				begun[i].End(p.out)
			}
		}
	}
	return l
}

func TestRegister(t *testing.T) {
	write := func(v int) history.RegisterOp[int] { return history.RegisterOp[int]{Write: true, Value: v} }
	read := history.RegisterOp[int]{}
	for _, c := range []struct {
		name  string
		ok    bool
		plays []play
	}{
		{"nothing", true, nil},
		{"one after the other", true, []play{{0, 1, 2, write(5), 0, false}, {1, 3, 4, read, 5, false}}},
		{"an old value after the write", false, []play{{0, 1, 2, write(5), 0, false}, {1, 3, 4, read, 0, false}}},
		{"the same at one time", false, []play{{0, 1, 2, write(5), 0, false}, {1, 2, 4, read, 0, false}}},
		{"an old value during the write", true, []play{
			{0, 1, 9, write(5), 0, false}, {1, 3, 4, read, 0, false}, {1, 5, 6, read, 5, false},
		}},
		{"an old value after a new one", false, []play{
			{0, 1, 9, write(5), 0, false}, {1, 3, 4, read, 5, false}, {1, 5, 6, read, 0, false},
		}},
		{"a write that may have been done", true, []play{
			{0, 1, 0, write(5), 0, false}, {1, 3, 4, read, 0, false}, {1, 5, 6, read, 5, false},
		}},
		{"a write that was not done", false, []play{{0, 1, 2, write(5), 0, true}, {1, 5, 6, read, 5, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := history.Linearizable(logged(c.plays), history.Register(0))
			if (err == nil) != c.ok {
				t.Errorf("Linearizable = %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "read = ") {
				t.Errorf("%v does not list the operations", err)
			}
		})
	}
}

func TestQueue(t *testing.T) {
	type (
		op   = history.QueueOp[string]
		item = history.QueueItem[string]
	)
	for _, c := range []struct {
		took []string
		ok   bool
	}{
		{[]string{"a", "b", ""}, true},
		{[]string{"b", "a"}, false},
		{[]string{"a", "a"}, false},
		{[]string{"a", "", "b"}, false},
		{[]string{"c"}, false},
	} {
		t.Run(fmt.Sprint(c.took), func(t *testing.T) {
			k := &clock{}
			l := history.NewLog[op, item](k.now)
			do := func(in op, out item) {
				k.at++
				o := l.Begin(1, in)
				k.at++
				o.End(out)
			}
			do(op{Put: true, Value: "a"}, item{})
			do(op{Put: true, Value: "b"}, item{})
			for _, v := range c.took {
				do(op{}, item{v, v != ""})
			}
			if err := history.CheckQueue(l); (err == nil) != c.ok {
				t.Errorf("CheckQueue = %v", err)
			}
		})
	}
}

func TestOpEndsOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a second End did not panic")
		}
	}()
	c := &clock{}
	o := history.NewLog[history.RegisterOp[int], int](c.now).Begin(0, history.RegisterOp[int]{})
	o.End(1)
	o.End(1)
}

func TestMail(t *testing.T) {
	for _, c := range []struct {
		name              string
		got               []int // of four sent by ann, the first three acknowledged
		once, order, lost string
	}{
		{"all", []int{1, 2, 3, 4}, "", "", ""},
		{"what was not acknowledged is lost", []int{1, 2, 3}, "", "", ""},
		{"twice", []int{1, 2, 2, 3}, "bob received ann's message 2 twice", "", ""},
		{"disorder", []int{1, 3, 2}, "", "bob received ann's message 2 after message 3", ""},
		{"a loss", []int{1, 3}, "", "", "bob did not receive ann's message 2, which was acknowledged"},
		{"out of nowhere", []int{1, 2, 3, 9}, "bob received ann's message 9, which was not sent", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := history.NewMail()
			for n := 1; n <= 4; n++ {
				m.Sent("ann", n)
				if n < 4 {
					m.Acked("ann", n)
				}
			}
			for _, n := range c.got {
				m.Received("bob", "ann", n)
			}
			wants(t, "AtMostOnce", m.AtMostOnce(), c.once)
			wants(t, "InOrder", m.InOrder(), c.order)
			wants(t, "NothingLost", m.NothingLost("bob"), c.lost)
		})
	}
}

func wants(t *testing.T, what string, err error, text string) {
	t.Helper()
	if got := strings.TrimPrefix(fmt.Sprint(err), "history: "); err == nil && text != "" || err != nil && got != text {
		t.Errorf("%s = %v, want %q", what, err, text)
	}
}

func ExampleLog() {
	var now time.Duration
	log := history.NewLog[history.RegisterOp[int], int](func() time.Duration { return now })
	write := log.Begin(1, history.RegisterOp[int]{Write: true, Value: 7})
	now = 2 * time.Second
	write.End(0)
	read := log.Begin(2, history.RegisterOp[int]{})
	now = 3 * time.Second
	read.End(0) // what it was before
	fmt.Println(history.Linearizable(log, history.Register(0)))
	// Output:
	// history: no order explains these answers:
	// client 1            0s  write 7 = 0  2s
	// client 2            2s  read = 0  3s
}
