package cluster_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const patience = 30 * time.Second

// onLoop runs test in a task of a loop, and fails when something is left on the loop, or reaches its error
// handler, unless the test takes it from errs.
func onLoop(t *testing.T, test func(t *testing.T, task *corolla.Task, errs *[]error)) {
	t.Helper()
	onLoopFor(t, 2*patience, test)
}

// onLoopFor is onLoop for a test that may take so long.
func onLoopFor(t *testing.T, limit time.Duration, test func(t *testing.T, task *corolla.Task, errs *[]error)) {
	t.Helper()
	var errs []error
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { errs = append(errs, err) }))
	leaktest.NeedLoop(t, err)
	err = l.Run(func(task *corolla.Task) error {
		return task.Timeout(limit, func(*corolla.Scope) error { test(t, task, &errs); return nil })
	})
	if err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	for _, err := range errs {
		t.Errorf("reached the error handler: %v", err)
	}
}

// embedded runs test with a Conn with its own server.
func embedded(t *testing.T, test func(t *testing.T, task *corolla.Task, c *cluster.Conn), opts ...cluster.Option) {
	t.Helper()
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		c := embed(t, task, opts...)
		test(t, task, c)
		closed(t, task, c)
	})
}

func embed(t *testing.T, task *corolla.Task, opts ...cluster.Option) *cluster.Conn {
	t.Helper()
	return must(cluster.Embed(task.Loop(), append([]cluster.Option{cluster.Name(t.Name())}, opts...)...).Await(task))(t)
}

func closed(t *testing.T, task *corolla.Task, c *cluster.Conn) {
	t.Helper()
	if _, err := c.Close().Await(task); err != nil {
		t.Error(err)
	}
	if n := c.Stats().Parts; n > 1 { // the subscription for answers
		t.Errorf("%d parts of a closed connection are left", n)
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// until waits for something that must come by itself.
func until(t *testing.T, task *corolla.Task, what string, so func() bool) {
	t.Helper()
	for end := task.Loop().Now() + patience; !so(); {
		if task.Loop().Now() > end {
			t.Fatalf("has not come: %s", what)
		}
		if err := task.Sleep(time.Millisecond); err != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want %v", what, err, want)
	}
}

// addresses returns addresses for the routes of n nodes, of loopback addresses that are this process's own,
// since nodes must know them before they listen.
func addresses(n int) []string {
	pid := os.Getpid()
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("127.%d.%d.%d:6222", 64+pid>>16&63, pid>>8&255, pid&^3&255|1+i&3))
	}
	return all
}
