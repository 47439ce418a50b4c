package corolla_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// What is asked for is what the system is told, for both ends: connections have it of their listener.
func TestSystemIsToldOfSettings(t *testing.T) {
	for name, c := range map[string]struct {
		opts               []corolla.SocketOption
		probes, idle, fast int
	}{
		"unless set":        {nil, 1, 15, 1},
		"no probes":         {[]corolla.SocketOption{corolla.KeepAlive(-time.Second)}, 0, 0, 1},
		"rounded up":        {[]corolla.SocketOption{corolla.KeepAlive(1500 * time.Millisecond)}, 1, 2, 1},
		"whole seconds":     {[]corolla.SocketOption{corolla.KeepAlive(3 * time.Second)}, 1, 3, 1},
		"small writes wait": {[]corolla.SocketOption{corolla.NoDelay(false)}, 1, 15, 0},
	} {
		l, err := corolla.New()
		leaktest.NeedLoop(t, err)
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0", c.opts...)
			if err != nil {
				return err
			}
			dialed, err := l.Dial("tcp", ln.LocalAddr().String(), c.opts...).Await(task)
			if err != nil {
				return err
			}
			accepted, err := acceptOne(task, ln)
			if err != nil {
				return err
			}
			for _, s := range []*corolla.Socket{dialed, accepted} {
				told := func(level, name int) int {
					n, err := syscall.GetsockoptInt(s.FD(), level, name)
					if err != nil {
						t.Error(err)
					}
					return n
				}
				probes, fast := told(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE), told(syscall.IPPROTO_TCP, syscall.TCP_NODELAY)
				if probes != c.probes || fast != c.fast {
					t.Errorf("%s: SO_KEEPALIVE %d, TCP_NODELAY %d", name, probes, fast)
				}
				for _, option := range []int{syscall.TCP_KEEPIDLE, syscall.TCP_KEEPINTVL} {
					if idle := told(syscall.IPPROTO_TCP, option); c.probes > 0 && idle != c.idle {
						t.Errorf("%s: option %d is %d", name, option, idle)
					}
				}
			}
			closeAll(t, dialed, accepted, ln)
			return nil
		})
		leaktest.Close(t, l)
	}
}
