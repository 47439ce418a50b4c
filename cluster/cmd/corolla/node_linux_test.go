package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// This file has the machines of a test, each of which runs the program: in network namespaces (lab_linux_test.go), or
// side by side on the loopback.

type machines struct {
	t      *testing.T
	nodes  []*node
	join   []string // where they listen for each other
	events chan event
	store  string
	over   chan struct{}  // closed when nobody wants events any more
	crew   sync.WaitGroup // readers of what programs print
}

// event is a line that a node's program has printed, or that it has ended.
type event struct {
	node  *node
	life  int
	line  string
	ended error // nil for a line
}

// node is a machine, and its program while that runs.
type node struct {
	all     *machines
	name    string
	ns      string // its network namespace, or ""
	addr    string // where clients find it
	routes  string // and other nodes
	program string // its file, which a reload starts anew
	options string // besides where it listens; "" is those of a cluster of all machines

	life  int // programs so far
	cmd   *exec.Cmd
	ready bool

	mu   sync.Mutex
	tail []string // the last that it has printed
}

var errEnded = fmt.Errorf("it has ended")

func newMachines(t *testing.T) *machines {
	m := &machines{t: t, store: t.TempDir(), events: make(chan event, 1024), over: make(chan struct{})}
	t.Cleanup(func() {
		close(m.over)
		for _, n := range m.nodes {
			n.kill()
		}
		m.crew.Wait()
	})
	return m
}

func (m *machines) add(name, ns, addr, routes string) {
	m.nodes = append(m.nodes, &node{all: m, name: name, ns: ns, addr: addr, routes: routes})
	m.join = append(m.join, routes)
}

// newLoopback has n machines side by side.
func newLoopback(t *testing.T, n int) *machines {
	t.Helper()
	m := newMachines(t)
	ports := freePorts(t, 2*n)
	for i := range n {
		m.add(fmt.Sprint("n", i+1), "", ports[2*i], ports[2*i+1])
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range m.nodes {
		n.program = self
	}
	return m
}

// freePorts returns addresses on the loopback that are free, and most likely stay so.
func freePorts(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		all = append(all, ln.Addr().String())
	}
	return all
}

// start starts the program on a node.
func (n *node) start() {
	t := n.all.t
	t.Helper()
	args := []string{n.program, "serve", "chat", "--addr", n.addr, "--node", n.name, "--store", filepath.Join(n.all.store, n.name)}
	if n.options != "" {
		args = append(args, strings.Fields(n.options)...)
	} else {
		args = append(args, "--shards", "2", "--workers", "2", "--cluster", "embed", "--routes", n.routes, "--join", strings.Join(n.all.join, ","))
	}
	if n.ns != "" {
		args = append([]string{"ip", "netns", "exec", n.ns}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), programEnv+"=1", "COROLLA_SECRET=of the test")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	_ = w.Close() // the program has it
	if err != nil {
		t.Fatal(err)
	}
	n.life++
	n.cmd = cmd
	life := n.life
	n.all.crew.Go(func() {
		defer r.Close()
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if line := lines.Text(); !strings.Contains(line, "msg=request") {
				n.note(line)
				n.all.tell(event{n, life, line, nil})
			}
		}
		err := cmd.Wait()
		if err == nil {
			err = errEnded
		}
		n.all.tell(event{n, life, "", err})
	})
}

// note keeps what a program prints, for when something goes wrong.
func (n *node) note(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tail = append(n.tail, line); len(n.tail) > 50 {
		n.tail = n.tail[1:]
	}
}

func (n *node) printed() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.tail, "\n")
}

func (m *machines) tell(e event) {
	select {
	case m.events <- e:
	case <-m.over:
	}
}

// take takes in what programs say. One that has ended and was not told to fails the test.
func (m *machines) take() {
	m.t.Helper()
	for {
		select {
		case e := <-m.events:
			switch n := e.node; {
			case e.life != n.life || n.cmd == nil: // of one that was killed
			case e.ended != nil:
				m.t.Fatalf("the program on %s has ended, %v, having printed\n%s", n.name, e.ended, n.printed())
			case strings.Contains(e.line, "listening on "):
				n.ready = true
			}
		default:
			return
		}
	}
}

// kill ends a node's program, and its workers, as kill -9 does.
func (n *node) kill() {
	if n.cmd != nil {
		_ = syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		n.cmd, n.ready = nil, false
	}
}

// signal sends a signal to the parent of a node's workers.
func (n *node) signal(sig syscall.Signal) {
	n.all.t.Helper()
	if err := n.cmd.Process.Signal(sig); err != nil {
		n.all.t.Fatalf("%s: %v", n.name, err)
	}
}

// process is one of a node's processes.
type process struct {
	pid      int
	resident int64 // bytes
}

// processes returns those of a node, its workers' parent first.
func (n *node) processes() (all []process) {
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		_, after, _ := strings.Cut(string(text), ") ")
		f := strings.Fields(after) // state, parent, group, …, resident pages
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if len(f) > 21 && f[2] == strconv.Itoa(n.cmd.Process.Pid) && f[0] != "Z" {
			pages, _ := strconv.ParseInt(f[21], 10, 64)
			one := process{pid, pages * int64(os.Getpagesize())}
			if pid == n.cmd.Process.Pid {
				all = append([]process{one}, all...)
			} else {
				all = append(all, one)
			}
		}
	}
	return all
}
