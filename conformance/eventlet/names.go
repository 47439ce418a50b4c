package eventlet

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/green"
)

var errBoom = errors.New("Boom")

// run is one run of a scenario on a hub.
type run struct {
	*scenario.Run
	*green.Hub
}

// on makes a scenario of a main thread. When that returns nothing more is said, since what is left
// behind is then ended here, and is just left by Eventlet.
func on(main func(r run) error) func(*scenario.Run) {
	return func(s *scenario.Run) {
		h := green.NewHub(s.Loop())
		err := h.Run(func() error {
			err := main(run{s, h})
			if err != nil {
				s.Say("main: %v", err)
			}
			s.Mute()
			return err
		})
		_ = err // was said
	}
}

// say starts a thread that says one thing.
func (r run) say(what string) func() error {
	return func() error {
		r.Say("%s", what)
		return nil
	}
}

// outcome is what waiting for a thread gives.
func outcome[T any](th *green.Thread[T]) string {
	v, err := th.Wait()
	return result(v, err)
}

func result(v any, err error) string {
	switch {
	case errors.Is(err, green.ErrKilled):
		return "killed"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case err != nil:
		return err.Error()
	case v == struct{}{}:
		return "None"
	}
	return fmt.Sprint(v)
}

// refused reports whether f panics.
func refused(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

// pair returns the two ends of a connection.
func (r run) pair() (client *green.Conn, peer net.Conn, err error) {
	ln, err := r.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if client, err = r.Dial("tcp", ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	peer, err = ln.Accept()
	return client, peer, err
}

// read returns what one read gives.
func read(c net.Conn) string {
	b := make([]byte, 100)
	n, err := c.Read(b)
	if n == 0 && errors.Is(err, net.ErrClosed) {
		return "closed"
	}
	return string(b[:n])
}
