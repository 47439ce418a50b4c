package green_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// env is what a test has that runs as a green thread.
type env struct {
	*testing.T
	*green.Hub
	trace
	errs  []error            // that reached the error handler
	after func(errs []error) // looks at them when the loop is closed; nil is that there must be none
}

// eachHub runs main as a green thread, with a real loop and with a simulated one.
func eachHub(t *testing.T, main func(e *env) error) {
	t.Helper()
	for _, on := range []string{"real", "sim"} {
		t.Run(on, func(t *testing.T) { onHub(t, on, main) })
	}
}

func onHub(t *testing.T, on string, main func(e *env) error) {
	t.Helper()
	e := &env{T: t}
	opts := []corolla.Option{
		corolla.SlowLimit(0),
		corolla.ErrorHandler(func(err error) { e.errs = append(e.errs, err) }),
	}
	var l *corolla.Loop
	if on == "real" {
		var err error
		l, err = corolla.New(opts...)
		leaktest.NeedLoop(t, err)
	} else {
		w := sim.New(1)
		l = w.NewLoop(opts...)
		defer func() {
			if n := w.Open(); n != 0 {
				t.Errorf("%d descriptors left open", n)
			}
		}()
	}
	e.Hub = green.NewHub(l)
	if err := e.Run(func() error { return main(e) }); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	if e.after != nil {
		e.after(e.errs)
		return
	}
	for _, err := range e.errs {
		t.Errorf("reached the error handler: %v", err)
	}
}

// Run is the hub's, and not the test's.
func (e *env) Run(main func() error) error { return e.Hub.Run(main) }

// say starts a thread that adds a word to the trace.
func (e *env) say(word string) *green.Thread[struct{}] {
	return e.Go(func() error { e.add("%s", word); return nil })
}

// turns lets others run n times.
func (e *env) turns(n int) {
	for range n {
		e.Sleep(0)
	}
}

// lingered waits until no more than n sockets are open: what was closed may still send.
func (e *env) lingered(n int) {
	for e.Loop().Stats().Sockets > n {
		e.Sleep(time.Millisecond)
	}
}

// forever waits until it is killed.
func (e *env) forever() error {
	for {
		e.Sleep(time.Hour)
	}
}

// refuses fails the test unless f panics with a text.
func (e *env) refuses(text string, f func()) {
	e.Helper()
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, text) {
			e.Errorf("panicked with %q, want %q", said, text)
		}
	}()
	f()
}

// trace collects words in the order in which things happen.
type trace struct{ strings.Builder }

func (tr *trace) add(format string, args ...any) {
	if tr.Len() > 0 {
		tr.WriteByte(' ')
	}
	fmt.Fprintf(tr, format, args...)
}

func (e *env) want(words string) {
	e.Helper()
	if got := e.trace.String(); got != words {
		e.Errorf("order:\n got %s\nwant %s", got, words)
	}
	e.Reset()
}
