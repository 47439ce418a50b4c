package service_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/process"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
)

// Programs that TestMain becomes, with real signals and a real end.

const program, address = "COROLLA_TEST_PROGRAM", "COROLLA_TEST_ADDRESS"

var programs = map[string]func(t *corolla.Task) error{
	"server":         serve,
	"in order":       func(t *corolla.Task) error { return app(nil, nil).Run(t) },
	"cannot start":   func(t *corolla.Task) error { return app(errLuck, nil).Run(t) },
	"cannot stop":    func(t *corolla.Task) error { return app(nil, errLuck).Run(t) },
	"fails":          func(t *corolla.Task) error { return app(nil, nil, "fails").Run(t) },
	"quits":          func(t *corolla.Task) error { return app(nil, nil, "quits").Run(t) },
	"panics":         func(t *corolla.Task) error { return app(nil, nil, "panics").Run(t) },
	"hangs":          func(t *corolla.Task) error { return app(nil, nil, "hangs").Run(t) },
	"hangs for ever": func(t *corolla.Task) error { return app(nil, nil, "hangs", "for ever").Run(t) },
}

func become() {
	if main := programs[os.Getenv(program)]; main != nil {
		corolla.Main(main)
	}
}

// serve is a server that a test kills.
func serve(t *corolla.Task) error {
	s := service.NewServer("shout", func(l *corolla.Loop, build service.Build) (*transport.Server, error) {
		return transport.Serve(l, "tcp", os.Getenv(address), build)
	}, func(*transport.Conn) transport.Protocol { return &shout{d: &diary{}} })
	return service.NewTree("app", s, service.New("said", func(*corolla.Task) error {
		_, err := fmt.Println(s.Addr())
		return err
	}, nil)).Run(t)
}

// app is a tree that says what happens, and "ready" when it runs. What else it does is how.
func app(start, stop error, how ...string) *service.Tree {
	say := func(what string, err error) func(*corolla.Task) error {
		return func(*corolla.Task) error { fmt.Println(what); return err }
	}
	last := service.New("b", say("+b", start), say("-b", stop))
	tree := service.NewTree("app", service.New("a", say("+a", nil), say("-a", nil)), last)
	tree.StopTimeout = 20 * time.Millisecond
	does := func(what string) bool { return len(how) > 0 && how[0] == what }
	if does("hangs") {
		last = service.New("b", nil, func(t *corolla.Task) error {
			fmt.Println("ready") // for another signal
			if len(how) == 1 {
				return t.Park("nothing")
			}
			return t.Shielded(func(*corolla.Scope) error { return t.Park("nothing") })
		})
		tree = service.NewTree("app", tree, last)
	}
	tree.OnStop(service.After, "after", say("after", nil))
	return service.NewTree("", tree, service.NewTask("ready", func(t *corolla.Task, ready func()) error {
		ready()
		fmt.Println("ready")
		switch {
		case does("fails"):
			return errLuck
		case does("quits"):
			tree.Quit(nil)
		case does("panics"):
			panic("oops")
		}
		return nil
	}))
}

// Under corolla.Main: what ends a tree, what its program then says, and the exit status.
func TestTreeUnderMain(t *testing.T) {
	const all = "+a +b -b -a after"
	for name, c := range map[string]struct {
		signals string // T and I, each sent when the program is ready for it
		status  int    // less than 0 is the end by a signal
		out     string
		err     string
	}{
		"in order":       {"T", 0, all, ""},
		"cannot start":   {"", 1, "+a +b -a", "start /app/b: bad luck"},
		"cannot stop":    {"I", 1, all, "stop /app/b: bad luck"},
		"fails":          {"", 1, all, "run /ready: bad luck"},
		"quits":          {"", 0, all, ""},
		"panics":         {"", 2, all, "oops"},
		"hangs":          {"TT", -1, "+a +b", ""},
		"hangs for ever": {"TT", -1, "+a +b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			needLoop(t)
			cmd := exec.Command(os.Args[0], "-test.run=^$")
			cmd.Env = append(os.Environ(), program+"="+name)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err := errors.Join(err, cmd.Start()); err != nil {
				t.Fatal(err)
			}
			var out []string
			signals := c.signals
			for in := bufio.NewScanner(stdout); in.Scan(); {
				if in.Text() != "ready" {
					out = append(out, in.Text())
				} else if signals != "" {
					if err := cmd.Process.Signal(map[byte]os.Signal{'T': syscall.SIGTERM, 'I': os.Interrupt}[signals[0]]); err != nil {
						t.Error(err)
					}
					signals = signals[1:]
				}
			}
			_ = cmd.Wait() // the status says all
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("exit status %d, want %d", got, c.status)
			}
			if got := strings.Join(out, " "); got != c.out {
				t.Errorf("it said %q, want %q", got, c.out)
			}
			if !strings.Contains(stderr.String(), c.err) || c.err == "" && stderr.Len() > 0 {
				t.Errorf("standard error: %q, want %q", &stderr, c.err)
			}
		})
	}
}

// needLoop skips a test where there is no event loop.
func needLoop(t *testing.T) {
	t.Helper()
	onHost(t, false, 1, func(*testing.T, *corolla.Task, *[]error) {})
}

// killable is a server that can be killed, and started again at its address.
type killable interface {
	start(task *corolla.Task) error
	kill(task *corolla.Task) error
	addr() string
}

// real is another process, which gets a SIGKILL.
type real struct {
	at string
	p  *process.Process
}

func (r *real) addr() string { return r.at }

func (r *real) start(task *corolla.Task) (err error) {
	if r.at == "" {
		r.at = "127.0.0.1:0"
	}
	r.p, err = process.Start(task, process.Command{
		Path: os.Args[0], Args: []string{"-test.run=^$"}, Stdout: process.Pipe, Stderr: process.Inherit,
		Env: append(os.Environ(), program+"=server", address+"="+r.at),
	})
	if err != nil {
		return err
	}
	line, err := r.p.Stdout.ReadUntil(task, []byte("\n"))
	r.at = strings.TrimSpace(string(line))
	return err
}

func (r *real) kill(task *corolla.Task) error {
	err := r.p.Kill()
	exit := (*process.ExitError)(nil)
	if e := r.p.Wait(task); !errors.As(e, &exit) {
		err = errors.Join(err, fmt.Errorf("it has ended with %w", e))
	}
	r.p.Close()
	return err
}

// simulated is a server on the same loop, whose death is a reset of all that it has.
type simulated struct {
	at    string
	srv   *transport.Server
	conns []*transport.Conn
}

func (s *simulated) addr() string { return s.at }

func (s *simulated) start(task *corolla.Task) (err error) {
	if s.at == "" {
		s.at = "127.0.0.1:0"
	}
	s.srv, err = transport.Serve(task.Loop(), "tcp", s.at, func(c *transport.Conn) transport.Protocol {
		s.conns = append(s.conns, c)
		return &shout{d: &diary{}}
	})
	if err == nil {
		s.at = s.srv.Addr().String()
	}
	return err
}

func (s *simulated) kill(*corolla.Task) error {
	for _, c := range s.conns {
		c.Abort()
	}
	s.conns = nil
	return s.srv.Close()
}

// hear is a protocol that keeps what it is told.
type hear struct {
	said string
	news corolla.Event
}

func (h *hear) Opened(*transport.Conn)        {}
func (h *hear) Closed(*transport.Conn, error) {}

func (h *hear) Data(_ *transport.Conn, b []byte) { h.said += string(b); h.news.Set() }

// asker asks something over whatever connection a client has.
type asker func(task *corolla.Task, what string) (string, error)

// pushAsker and taskAsker are the two kinds of clients.
func pushAsker(l *corolla.Loop, addr string, retry func(int, error, time.Duration)) (service.Service, asker) {
	var h *hear
	client := service.NewClient(l, "c", func() *corolla.Future[*transport.Conn] {
		h = &hear{}
		return transport.Dial(l, "tcp", addr, h)
	})
	client.Backoff, client.Retrying = func(int) time.Duration { return time.Millisecond }, retry
	return client, func(task *corolla.Task, what string) (string, error) {
		c, err := client.WhenConnected(0).Await(task)
		if err != nil {
			return "", err
		}
		for err = c.Write([]byte(what)); err == nil && len(h.said) < len(what); {
			h.news.Clear()
			err = h.news.Wait(task)
		}
		return h.said, err
	}
}

func taskAsker(l *corolla.Loop, addr string, retry func(int, error, time.Duration)) (service.Service, asker) {
	type question struct {
		what   string
		answer *corolla.Future[string]
	}
	questions := corolla.NewQueue[question](0)
	client := service.NewTaskClient(l, "c", func(t *corolla.Task) (*aio.Conn, error) { return aio.Dial(t, "tcp", addr) },
		func(t *corolla.Task, c *aio.Conn) error {
			for {
				var q question
				if err := t.Group(func(g *corolla.Group) error {
					g.Go(func(t *corolla.Task) error {
						if err := c.Socket().WaitReadable(t); err != nil {
							return err
						}
						return io.ErrUnexpectedEOF // nothing was asked
					})
					var err error
					q, err = questions.Get(t)
					g.Cancel(nil)
					return err
				}); err != nil {
					return err
				}
				got, err := asks(t, c, q.what)
				if err != nil {
					return errors.Join(err, q.answer.Fail(err))
				}
				if err := q.answer.Resolve(got); err != nil {
					return err
				}
			}
		})
	client.Backoff, client.Retrying = func(int) time.Duration { return time.Millisecond }, retry
	return client, func(task *corolla.Task, what string) (string, error) {
		q := question{what, corolla.NewFuture[string](l)}
		if err := questions.Put(task, q); err != nil {
			return "", err
		}
		return q.answer.Await(task)
	}
}

// A client comes back after its server was killed and started again, and needs nobody's help for that.
func TestClientComesBackAfterItsServerWasKilled(t *testing.T) {
	for style, make := range map[string]func(*corolla.Loop, string, func(int, error, time.Duration)) (service.Service, asker){
		"protocol": pushAsker, "task": taskAsker,
	} {
		t.Run(style, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var server killable = &real{}
				if task.Loop().Simulated() {
					server = &simulated{}
				}
				if err := server.start(task); err != nil {
					t.Fatal(err)
				}
				failures := 0
				client, ask := make(task.Loop(), server.addr(), func(int, error, time.Duration) { failures++ })
				if err := client.Start(task); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if got, err := ask(task, "hello"); got != "HELLO" || err != nil {
						t.Errorf("the answer is %q, %v", got, err)
					}
					if err := server.kill(task); err != nil {
						t.Error(err)
					}
					failures = 0
					until(t, task, "the client is refused", func() bool { return failures > 2 })
					if err := server.start(task); err != nil {
						t.Fatal(err)
					}
				}
				if got, err := ask(task, "hello"); got != "HELLO" || err != nil {
					t.Errorf("the answer is %q, %v", got, err)
				}
				if err := errors.Join(client.Stop(task), server.kill(task)); err != nil {
					t.Error(err)
				}
				until(t, task, "all is closed", func() bool { return task.Loop().Stats().Sockets == 0 })
			})
		})
	}
}
