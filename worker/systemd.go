package worker

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/corolla-go/corolla"
)

// manager is the service manager that has started the parent, if there is one that wants to be told how it is:
// systemd, for Type=notify and WatchdogSec. (sd_notify(3), sd_watchdog_enabled(3).)
type manager struct {
	loop  *corolla.Loop
	sock  *corolla.Socket // nil if there is none
	to    net.Addr
	every time.Duration // how often it wants a sign of life; 0 is never
}

func newManager(l *corolla.Loop) (*manager, error) {
	m := &manager{loop: l}
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return m, nil
	}
	m.to = &net.UnixAddr{Name: name, Net: "unixgram"}
	var err error
	if m.sock, err = l.OpenPacket(nil, m.to); err != nil {
		return nil, fmt.Errorf("worker: NOTIFY_SOCKET=%s: %w", name, err)
	}
	if pid := os.Getenv("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
		if µs, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && µs > 0 {
			m.every = time.Duration(µs) * time.Microsecond / 2
		}
	}
	return m, nil
}

// tell sends a message, of one assignment in a line. One that cannot be sent is reported, and lost.
func (m *manager) tell(text string) {
	if m.sock == nil {
		return
	}
	if err := m.sock.TryWriteTo([]byte(text), m.to); err != nil {
		m.loop.Report(fmt.Errorf("worker: tell the service manager: %w", err))
	}
}

// beat tells systemd's watchdog that the parent's loop turns.
func (m *manager) beat(t *corolla.Task) error {
	if m.every == 0 {
		return nil
	}
	return corolla.Every(t, m.every, func() error {
		m.tell("WATCHDOG=1")
		return nil
	})
}

func (m *manager) close() {
	if m.sock != nil {
		_ = m.sock.Close() // nothing waits in it
	}
}
