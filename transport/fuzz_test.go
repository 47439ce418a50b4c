package transport_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// FuzzStates gives states, which do what their bytes say, the same stream whole and in pieces of a size: they must
// get the same, and each as much as it wants. A byte from '0' to '9' wants so many; 'z' has a state that wants
// nothing; 'x' is the last; 'p' pauses; '!' wants too much.
func FuzzStates(f *testing.F) {
	f.Add("3abc2zp12345x", 1)
	f.Add("0zz1p1p1p1!abc", 2)
	f.Add("9123", 4)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = 1 + (size&0x7fffffff)%20
		told := func(size int) string {
			var said []string
			wanted := 1
			var next transport.State
			next = func(r *transport.Receiver, b []byte) (int, transport.State) {
				if said = append(said, fmt.Sprintf("%q", b)); len(b) != wanted {
					t.Errorf("a state got %d bytes, and wanted %d", len(b), wanted)
				}
				wanted = 1
				last := byte('0')
				if len(b) > 0 {
					last = b[len(b)-1]
				}
				switch {
				case last == 'x':
					return 0, nil
				case last == '!':
					return 1 << 20, next
				case last == 'p':
					r.PauseReading()
					r.Socket().Loop().Soon(r.ResumeReading)
				case last == 'z':
					wanted = 0
				case last > '0' && last <= '9':
					wanted = int(last - '0')
				}
				return wanted, next
			}
			ended := false
			r := transport.NewStates(func(*transport.Receiver) (int, transport.State) { return 1, next },
				func(_ *transport.Receiver, err error) { ended = true; said = append(said, fmt.Sprint(err)) })
			received(t, r, func(c *transport.Conn, task *corolla.Task) {
				for rest := text; len(rest) > 0; rest = rest[min(size, len(rest)):] {
					r.Data(c, []byte(rest[:min(size, len(rest))]))
				}
				for range 5 * (1 + strings.Count(text, "p")) {
					if err := task.Yield(); err != nil {
						t.Fatal(err)
					}
				}
				c.Close()
				until(t, task, func() bool { return ended })
			})
			return strings.Join(said, " ")
		}
		if whole, pieces := told(len(text)+1), told(size); whole != pieces {
			t.Fatalf("whole:         %s\nin pieces of %d: %s", whole, size, pieces)
		}
	})
}

// FuzzEndpoint listens at and connects to whatever an endpoint says, on a simulated machine. Each attempt is settled,
// and an error names the endpoint, or what it dials.
func FuzzEndpoint(f *testing.F) {
	for _, s := range []string{
		"tcp:80", "tcp:localhost:80:bind=::1", "unix:x:mode=600:lockfile=1", "haproxy:haproxy:tcp:0", "haproxy:tcp:0:trust=::/0,1.2.3.4",
		"socks5:localhost:1080:tcp:x:80", "httpproxy:localhost:80:socks5:y:1:tcp:x:80:user=a:password=b", "tcp4:[::1]:80", "tcp:80:timeout=1e5",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := transport.ParseEndpoint(s)
		if err != nil {
			return
		}
		for _, real := range []string{"tls", "fd", "stdio", "systemd", "process"} { // files, which are not simulated
			if e.Kind == real || strings.Contains(s, real) {
				return
			}
		}
		l := sim.New(1, sim.Begin(time.Now())).NewLoop(corolla.ErrorHandler(func(err error) { t.Errorf("reported: %v", err) }))
		if err := l.Run(func(task *corolla.Task) error {
			srv, err := e.Listen(l, func(*transport.Conn) transport.Protocol { return nil })
			if err == nil {
				_ = srv.Close() // it has just begun
			} else if !strings.HasPrefix(err.Error(), "endpoint ") && !strings.HasPrefix(err.Error(), "listen ") {
				t.Errorf("%q: %v", s, err)
			}
			c, err := e.Connect(l, &recorder{}, corolla.DialTimeout(time.Second)).Await(task)
			if err == nil {
				c.Abort()
			} else if !strings.HasPrefix(err.Error(), "endpoint ") && !strings.HasPrefix(err.Error(), "dial ") || errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("%q: %v", s, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}
