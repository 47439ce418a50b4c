package deferred_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
)

var errBad = errors.New("bad")

// chain runs test with a loop of each host, checks the words it has said, and which errors were
// left unhandled.
func chain(t *testing.T, want, unhandled string, test func(l *corolla.Loop, say func(string, ...any))) {
	t.Helper()
	for _, host := range []string{"real", "sim"} {
		var left, said []string
		l, err := open(host, corolla.ErrorHandler(func(err error) { left = append(left, err.Error()) }))
		if errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		test(l, func(f string, args ...any) { said = append(said, fmt.Sprintf(f, args...)) })
		if err := l.Close(); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if got := strings.Join(said, " "); got != want {
			t.Errorf("%s: said %q, want %q", host, got, want)
		}
		if got := strings.Join(left, "; "); (unhandled == "") != (got == "") || !strings.Contains(got, unhandled) {
			t.Errorf("%s: left unhandled: %q, want %q", host, got, unhandled)
		}
	}
}

func open(host string, opts ...corolla.Option) (*corolla.Loop, error) {
	if host == "sim" {
		return sim.New(1).NewLoop(opts...), nil
	}
	return corolla.New(append(opts, corolla.SlowLimit(0))...)
}

func TestCallbackOfAFiredDeferredRunsAtOnce(t *testing.T) { // twisted rule 1
	chain(t, "3 after", "", func(l *corolla.Loop, say func(string, ...any)) {
		deferred.Succeed(l, 3).AddCallback(func(v any) (any, error) { say("%v", v); return v, nil })
		say("after")
	})
}

func TestErrorGoesToTheNextPair(t *testing.T) { // rule 2
	chain(t, "next:bad", "", func(l *corolla.Loop, say func(string, ...any)) {
		d := deferred.Succeed(l, 1)
		d.AddCallbacks(
			func(any) (any, error) { return nil, errBad },
			func(error) (any, error) { say("own errback"); return nil, nil })
		d.AddErrback(func(err error) (any, error) { say("next:%v", err); return nil, nil })
	})
}

func TestCallbackReturnsADeferred(t *testing.T) { // rule 3
	chain(t, "waiting outer:7 inner:<nil>", "", func(l *corolla.Loop, say func(string, ...any)) {
		inner := deferred.New(l)
		outer := deferred.Succeed(l, 1)
		outer.AddCallback(func(any) (any, error) { return inner, nil })
		outer.AddCallback(func(v any) (any, error) { say("outer:%v", v); return v, nil })
		say("waiting")
		if err := inner.Callback(7); err != nil {
			t.Error(err)
		}
		inner.AddCallback(func(v any) (any, error) { say("inner:%v", v); return v, nil })
	})
	chain(t, "bad", "", func(l *corolla.Loop, say func(string, ...any)) { // one that has fired
		outer := deferred.Succeed(l, 1)
		outer.AddCallback(func(any) (any, error) { return deferred.Fail(l, errBad), nil })
		outer.AddErrback(func(err error) (any, error) { say("%v", err); return nil, nil })
	})
}

func TestCallbackAddedInACallbackRunsAfterTheOthers(t *testing.T) { // rule 4
	chain(t, "a b c", "", func(l *corolla.Loop, say func(string, ...any)) {
		d := deferred.New(l)
		d.AddCallback(func(any) (any, error) {
			d.AddCallback(func(any) (any, error) { say("c"); return nil, nil })
			say("a")
			return nil, nil
		})
		d.AddCallback(func(any) (any, error) { say("b"); return nil, nil })
		_ = d.Callback(nil)
	})
}

func TestThousandsOfChainedDeferredsDoNotGrowTheStack(t *testing.T) { // rule 5
	chain(t, "end", "", func(l *corolla.Loop, say func(string, ...any)) {
		first := deferred.New(l)
		d := first
		for range 50_000 {
			inner := d
			d = deferred.Succeed(l, nil)
			d.AddCallback(func(any) (any, error) { return inner, nil })
		}
		d.AddCallback(func(any) (any, error) { say("end"); return nil, nil })
		_ = first.Callback(nil)
	})
}

func TestSecondResultIsRefused(t *testing.T) { // rule 6
	chain(t, "", "", func(l *corolla.Loop, _ func(string, ...any)) {
		d := deferred.Succeed(l, 1)
		if err := d.Callback(2); err != deferred.ErrAlreadyCalled {
			t.Errorf("second Callback: %v", err)
		}
		if err := d.Errback(errBad); err != deferred.ErrAlreadyCalled {
			t.Errorf("Errback after Callback: %v", err)
		}
	})
}

func TestUnhandledErrorIsReported(t *testing.T) { // rule 10, differences 5
	chain(t, "", "nobody looked at the error: bad", func(l *corolla.Loop, _ func(string, ...any)) {
		deferred.Fail(l, errBad).AddCallback(func(v any) (any, error) { return v, nil })
	})
	chain(t, "", "panic in a callback of a Deferred: oops", func(l *corolla.Loop, _ func(string, ...any)) {
		deferred.Succeed(l, 1).AddCallback(func(any) (any, error) { panic("oops") })
	})
}

func TestAwait(t *testing.T) {
	chain(t, "5 <nil> <nil> bad", "", func(l *corolla.Loop, say func(string, ...any)) {
		if err := l.Run(func(task *corolla.Task) error {
			d := deferred.New(l)
			l.Soon(func() { _ = d.Callback(5) })
			v, err := d.Await(task)
			say("%v %v", v, err)
			v, err = deferred.Fail(l, errBad).Await(task)
			say("%v %v", v, err)
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestReportSaysWhereADeferredWasMade(t *testing.T) {
	var log []error
	l := sim.New(1).NewLoop(corolla.Debug(), corolla.ErrorHandler(func(err error) { log = append(log, err) }))
	_ = deferred.New(l).Errback(errors.New("oops"))
	_ = deferred.Fail(l, errors.New("oops"))
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range log {
		if !strings.Contains(err.Error(), "made at deferred/deferred_test.go:") {
			t.Errorf("the handler got: %v", err)
		}
	}
	if len(log) != 2 {
		t.Errorf("%d reports", len(log))
	}
}
