package corolla_test

import (
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// What a listener was given its connections have too; what is dialed has its own.
func TestLingerTimeout(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for _, c := range []struct {
			name         string
			listen, dial []corolla.SocketOption
			server       time.Duration
			client       time.Duration
		}{
			{"unless set", nil, []corolla.SocketOption{corolla.DialTimeout(time.Hour)}, 30 * time.Second, 30 * time.Second},
			{"of the listener", []corolla.SocketOption{corolla.LingerTimeout(time.Minute)}, nil, time.Minute, 30 * time.Second},
			{"of the client", nil, []corolla.SocketOption{corolla.LingerTimeout(ms)}, 30 * time.Second, ms},
			{"without limit", []corolla.SocketOption{corolla.LingerTimeout(0)}, nil, 0, 30 * time.Second},
		} {
			ln, err := l.Listen("tcp", "127.0.0.1:0", c.listen...)
			if err != nil {
				t.Fatal(err)
			}
			run(t, l, func(task *corolla.Task) error {
				dial := l.Dial("tcp", ln.LocalAddr().String(), c.dial...)
				server, err := acceptOne(task, ln)
				if err != nil {
					return err
				}
				client, err := dial.Await(task)
				if err != nil {
					return err
				}
				if server.LingerTimeout() != c.server || ln.LingerTimeout() != c.server || client.LingerTimeout() != c.client {
					t.Errorf("%s: server %v, its listener %v, client %v", c.name, server.LingerTimeout(), ln.LingerTimeout(), client.LingerTimeout())
				}
				closeAll(t, server, client)
				if server.LingerTimeout() != c.server {
					t.Errorf("%s: once it is closed %v", c.name, server.LingerTimeout())
				}
				return nil
			})
			closeAll(t, ln)
		}
	})
}

// A time of less than nothing is refused wherever a socket is made.
func TestTimesOfLessThanNothing(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for want, opt := range map[string]corolla.SocketOption{
			"DialTimeout(-1ns)": corolla.DialTimeout(-1), "HandshakeTimeout(-1ns)": corolla.HandshakeTimeout(-1),
			"LingerTimeout(-1ns)": corolla.LingerTimeout(-1),
		} {
			_, listening := l.Listen("tcp", "127.0.0.1:0", opt)
			_, dialed := l.Dial("tcp", "127.0.0.1:80", opt).Result()
			_, _, handshakes := corolla.Handshakes(opt)
			for _, err := range []error{listening, dialed, handshakes} {
				if err == nil || !strings.HasSuffix(err.Error(), "corolla: "+want+": at least 0") {
					t.Errorf("%s: %v", want, err)
				}
			}
		}
	})
}
