package corolla_test

import (
	"fmt"
	"testing"

	"github.com/corolla-go/corolla"
)

// rule is one of the numbered rules of asyncio's own tests that a port most likely gets
// wrong. Each is a function that runs on both hosts.
type rule struct {
	number int
	says   string
	test   func(t *testing.T, l *corolla.Loop, log *errorLog)
}

// rules 1 to 7 are about the loop, 8 to 17 about futures and tasks, 18 to 31 about
// combinators, scopes and groups, 32 to 36 about locks and queues.
func allRules() []rule {
	var all []rule
	for _, part := range [][]rule{loopRules, taskRules, combineRules, scopeRules, syncRules} {
		all = append(all, part...)
	}
	return all
}

func TestAsyncioRules(t *testing.T) {
	for i, r := range allRules() {
		if r.number != i+1 {
			t.Fatalf("rule %d is in place %d", r.number, i+1)
		}
		t.Run(fmt.Sprintf("%02d", r.number), func(t *testing.T) {
			t.Log(r.says)
			eachHost(t, r.test)
		})
	}
	if n := len(allRules()); n != 36 {
		t.Errorf("%d rules, want 36", n)
	}
}

// inTask makes a rule's test of a task's body.
func inTask(body func(t *testing.T, task *corolla.Task, tr *trace) error) func(*testing.T, *corolla.Loop, *errorLog) {
	return func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error { return body(t, task, new(trace)) })
	}
}
