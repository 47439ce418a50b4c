package twisted

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/process"
	"github.com/corolla-go/corolla/transport"
)

const ms = time.Millisecond

// errBoom is the error of whatever fails without a reason that matters.
var errBoom = errors.New("boom")

// text is the Deferred of most scenarios: Twisted's have no type.
type text = deferred.Deferred[string]

var words = []struct {
	err  error
	word string
}{
	{os.ErrDeadlineExceeded, "timeout"},
	{deferred.ErrTaskStopped, "stopped"},
	{deferred.ErrTaskDone, "done"},
	{deferred.ErrAlreadyCalled, "already called"},
	{deferred.ErrTooManyWaiting, "too many wait"},
	{corolla.ErrQueueFull, "full"},
	{corolla.ErrCanceled, "canceled"},
	{transport.ErrAborted, "aborted"},
	{net.ErrClosed, "closed"},
	{syscall.ECONNRESET, "reset"},
	{syscall.ECONNREFUSED, "refused"},
}

// word is the word for how something ended.
func word(err error) string {
	if err == nil {
		return "no error"
	}
	var first *deferred.FirstError
	if errors.As(err, &first) {
		return fmt.Sprintf("first error, of %d: %s", first.Index, word(first.Err))
	}
	var panicked *corolla.PanicError
	if errors.As(err, &panicked) {
		return fmt.Sprint(panicked.Value)
	}
	var exit *process.ExitError
	if errors.As(err, &exit) {
		if sig, ok := exit.Signal(); ok {
			return fmt.Sprintf("signal %d", sig)
		}
		return fmt.Sprintf("exit %d", exit.Code())
	}
	for _, w := range words {
		if errors.Is(err, w.err) {
			return w.word
		}
	}
	return err.Error()
}

func shown[T any](v T, err error) string {
	if err != nil {
		return "failed: " + word(err)
	}
	switch s := fmt.Sprint(v); s {
	case "", "{}", "<nil>":
		return "nothing"
	default:
		return s
	}
}

// show returns a callback for either result, which says it and passes it on.
func show[T any](r *scenario.Run, name string) func(T, error) (T, error) {
	return func(v T, err error) (T, error) {
		r.Say("%s: %s", name, shown(v, err))
		return v, err
	}
}

// end returns a last callback, which says what the result is and takes it.
func end[T any](r *scenario.Run, name string) func(T, error) (T, error) {
	return func(v T, err error) (none T, _ error) {
		r.Say("%s: %s", name, shown(v, err))
		return none, nil
	}
}

// attempt calls f and says whether that is refused. Misuse that Twisted answers with an exception
// panics here.
func attempt(r *scenario.Run, name string, f func() error) {
	answer := "accepted"
	defer func() {
		v := recover()
		if err, ok := v.(error); ok && errors.Is(err, errBoom) {
			answer = errBoom.Error()
		} else if v != nil {
			answer = "refused"
		}
		r.Say("%s: %s", name, answer)
	}()
	switch err := f(); {
	case errors.Is(err, deferred.ErrAlreadyCalled):
		answer = word(err)
	case err != nil:
		answer = "refused"
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// body runs f as the main task of a scenario, and then whatever is left, for 10 ms.
func body(r *scenario.Run, f func(l *corolla.Loop)) {
	r.Main(func(t *corolla.Task) error {
		f(t.Loop())
		return t.Sleep(10 * ms)
	})
}

// waiting returns a callback that makes a chain wait for d.
func waiting(d *text) func(string) *text {
	return func(string) *text { return d }
}
