package transport_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// TestStatesThatWantNothing: they are called at once, but not after Close and Abort, and not before a pause
// is over. A body without bytes is like another in that.
func TestStatesThatWantNothing(t *testing.T) {
	resume := func(r *transport.Receiver, say func(string)) {
		r.PauseReading()
		r.Socket().Loop().Soon(func() { say("resumed"); r.ResumeReading() })
	}
	for name, c := range map[string]struct {
		do   func(r *transport.Receiver, say func(string)) // within the first State
		want string
		is   error
	}{
		"nothing": {func(*transport.Receiver, func(string)) {}, "head  z closed", nil},
		"pause":   {resume, "head resumed  z closed", nil},
		"blink":   {func(r *transport.Receiver, _ func(string)) { r.PauseReading(); r.ResumeReading() }, "head  z closed", nil},
		"close":   {func(r *transport.Receiver, _ func(string)) { r.Close() }, "head closed", nil},
		"abort":   {func(r *transport.Receiver, _ func(string)) { r.Abort() }, "head closed", transport.ErrAborted},
		"close while paused": {func(r *transport.Receiver, say func(string)) {
			resume(r, say)
			r.Close()
		}, "head resumed closed", nil},
		"abort while paused": {func(r *transport.Receiver, say func(string)) {
			r.PauseReading()
			r.Socket().Loop().Soon(r.Abort)
		}, "head closed", transport.ErrAborted},
		"panic": {func(*transport.Receiver, func(string)) { panic("oops") }, "head closed", errPanicked},
	} {
		for _, first := range []int{0, 1} { // or it is the State that gets "x"
			t.Run(fmt.Sprintf("%s, %d", name, first), func(t *testing.T) {
				onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
					var said []string
					say := func(s string) { said = append(said, s) }
					var over corolla.Event
					var why error
					last := func(_ *transport.Receiver, b []byte) (int, transport.State) { say(string(b)); return 0, nil }
					body := func(_ *transport.Receiver, b []byte) (int, transport.State) { say(string(b)); return 1, last }
					head := func(r *transport.Receiver, _ []byte) (int, transport.State) {
						say("head")
						c.do(r, say)
						return 0, body
					}
					srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
						return transport.NewStates(func(*transport.Receiver) (int, transport.State) { return first, head },
							func(_ *transport.Receiver, err error) { say("closed"); why = err; over.Set() })
					})
					if err != nil {
						t.Fatal(err)
					}
					client, err := aio.Dial(task, "tcp", srv.Addr().String())
					if err != nil {
						t.Fatal(err)
					}
					_, _ = client.Write(task, []byte("xz"[1-first:])) // or it has closed
					err = over.Wait(task)
					if p := (*corolla.PanicError)(nil); errors.As(why, &p) {
						why, *log = errPanicked, nil
					}
					if got := strings.Join(said, " "); got != c.want || why != c.is || err != nil {
						t.Errorf("%q, Closed got %v; want %q, %v; %v", got, why, c.want, c.is, err)
					}
					_, _ = client.Close(), srv.Close()
				})
			})
		}
	}
}

var errPanicked = errors.New("a panic")
