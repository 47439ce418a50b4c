package rooms_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// This file makes a network: a bridge in a network namespace of its own, and a namespace for each node, with a cable
// (a veth pair) to the bridge. A cut is the bridge's end of a cable set down.

type lab struct {
	t      *testing.T
	prefix string
	store  string
	nodes  []*machine
	events chan event
	gone   chan struct{}  // closed when nobody wants events any more
	crew   sync.WaitGroup // readers of nodes' output
}

// event is a line that a node has said, or that it is gone.
type event struct {
	node  *machine
	life  int
	words []string // nil: gone
}

// machine is a node: its namespace, and its process while there is one.
type machine struct {
	lab   *lab
	i     int
	life  int // processes so far
	cmd   *exec.Cmd
	in    io.WriteCloser
	ready bool
}

// newLab makes a network for n nodes, or skips the test where that is not allowed.
func newLab(t *testing.T, n int) *lab {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	l := &lab{
		t: t, prefix: fmt.Sprintf("cor%x", os.Getpid()), store: t.TempDir(),
		events: make(chan event, 1024), gone: make(chan struct{}),
	}
	t.Cleanup(l.close)
	hub := l.ns(0)
	if err := ip("netns", "add", hub); err != nil {
		t.Skipf("network namespaces are not allowed here: %v", err)
	}
	setup := [][]string{
		{"-n", hub, "link", "add", "br0", "type", "bridge"},
		{"-n", hub, "link", "set", "br0", "up"},
	}
	for i := 1; i <= n; i++ {
		m := &machine{lab: l, i: i}
		l.nodes = append(l.nodes, m)
		ns, end := l.ns(i), m.cable()
		setup = append(setup, [][]string{
			{"netns", "add", ns},
			{"-n", hub, "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", ns},
			{"-n", hub, "link", "set", end, "master", "br0"},
			{"-n", hub, "link", "set", end, "up"},
			{"-n", ns, "addr", "add", m.address() + "/24", "dev", "eth0"},
			{"-n", ns, "link", "set", "eth0", "up"},
			{"-n", ns, "link", "set", "lo", "up"},
		}...)
	}
	for _, args := range setup {
		if err := ip(args...); err != nil {
			t.Skipf("namespaces can be made here, and not connected: %v", err)
		}
	}
	return l
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (l *lab) ns(i int) string     { return fmt.Sprintf("%s-%d", l.prefix, i) }
func (m *machine) cable() string   { return fmt.Sprintf("port%d", m.i) }
func (m *machine) address() string { return fmt.Sprintf("10.77.0.%d", m.i) }
func (m *machine) String() string  { return fmt.Sprintf("n%d", m.i) }
func (m *machine) alive() bool     { return m.cmd != nil }

func (l *lab) close() {
	close(l.gone)
	for _, m := range l.nodes {
		m.kill()
	}
	l.crew.Wait()
	for i := range len(l.nodes) + 1 {
		_ = ip("netns", "del", l.ns(i)) // it may not have been made
	}
}

// start starts the program on a node.
func (m *machine) start() {
	l := m.lab
	l.t.Helper()
	cfg := nodeConfig{Name: m.String(), Listen: m.address() + ":6222", Store: filepath.Join(l.store, m.String())}
	for _, other := range l.nodes {
		cfg.Join = append(cfg.Join, other.address()+":6222")
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.Command("ip", "netns", "exec", l.ns(m.i), os.Args[0])
	cmd.Env = append(os.Environ(), nodeEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err, err2, cmd.Start()); err != nil {
		l.t.Fatal(err)
	}
	m.life++
	m.cmd, m.in = cmd, in
	life := m.life
	l.crew.Go(func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			l.tell(event{m, life, strings.Fields(lines.Text())})
		}
		_ = cmd.Wait() // it was killed
		l.tell(event{m, life, nil})
	})
}

func (l *lab) tell(e event) {
	select {
	case l.events <- e:
	case <-l.gone:
	}
}

// kill ends a node's program as kill -9 does.
func (m *machine) kill() {
	if m.alive() {
		_ = m.cmd.Process.Kill() // it may have ended
		_ = m.in.Close()
		m.cmd, m.in, m.ready = nil, nil, false
	}
}

func (m *machine) cut()  { m.link("down") }
func (m *machine) heal() { m.link("up") }

func (m *machine) link(state string) {
	m.lab.t.Helper()
	if err := ip("-n", m.lab.ns(0), "link", "set", m.cable(), state); err != nil {
		m.lab.t.Fatal(err)
	}
}

// tell sends a line to a node's program, which may be gone.
func (m *machine) tell(format string, args ...any) {
	if m.alive() {
		_, _ = fmt.Fprintf(m.in, format+"\n", args...)
	}
}
