package green_test

import (
	"fmt"
	"testing"
)

// rule is one of the numbered rules of Eventlet's own tests. Each runs on both hosts. Where Corolla
// differs on purpose the rule says so, and what it does is tested; see docs/models.md.
type rule struct {
	number int
	says   string
	test   func(e *env) error
}

// Rules 1 to 12 are about threads, 13 to 17 about pools, 18 to 24 about queues, events and semaphores,
// 25 to 29 about timeouts, 30 to 35 about sockets and servers. Rule 34 is HTTP's, which is not here.
func TestEventletRules(t *testing.T) {
	number := 0
	for _, part := range [][]rule{threadRules, poolRules, queueRules, timeoutRules, socketRules} {
		for _, r := range part {
			if number++; number == 34 {
				number++
			}
			if r.number != number {
				t.Fatalf("rule %d is in place %d", r.number, number)
			}
			t.Run(fmt.Sprintf("%02d", r.number), func(t *testing.T) {
				t.Log(r.says)
				eachHub(t, r.test)
			})
		}
	}
	if number != 35 {
		t.Errorf("%d rules, want 35", number)
	}
}
