//go:build unix

package worker_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/worker"
)

// What the test program becomes: a parent, which starts it again for its workers. The mode file says how workers
// behave that are started from now on.
const (
	poolVariable = "COROLLA_TEST_POOL" // a settings, as JSON
	deadline     = 60 * time.Second    // of what must not take long
)

// settings are those of a pool, and of its workers.
type settings struct {
	Workers  int
	Network  string
	Address  string
	Mode     string // a file
	Program  string
	Ready    time.Duration
	Grace    time.Duration
	Linger   time.Duration
	Watchdog time.Duration
	Wait     time.Duration // of the backoff
}

func TestMain(m *testing.M) {
	if text := os.Getenv(poolVariable); text != "" {
		var s settings
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			panic(err)
		}
		corolla.Main(func(t *corolla.Task) error { return worker.Run(t, s.pool(), s.body) })
	}
	leaktest.Main(m)
}

func (s settings) pool() worker.Pool {
	p := worker.Pool{
		Workers: s.Workers, Program: s.Program, Args: []string{}, ReadyTimeout: s.Ready, Grace: s.Grace, Linger: s.Linger, Watchdog: s.Watchdog,
		Backoff: func(failed int) time.Duration { return s.Wait * time.Duration(failed) },
		Forward: []os.Signal{syscall.SIGUSR1, syscall.SIGCONT},
		Log:     slog.New(slog.NewJSONHandler(os.Stdout, nil)), Stdout: os.Stderr,
	}
	if s.Network != "" {
		p.Listen = []worker.Address{{Name: "web", Network: s.Network, Address: s.Address}}
	}
	return p
}

// body is a worker.
func (s settings) body(t *corolla.Task, w *worker.Worker) error {
	mode, err := os.ReadFile(s.Mode)
	if err != nil {
		return err
	}
	usr1 := t.Loop().OnSignal(func(os.Signal) { w.Status("forwarded") }, syscall.SIGUSR1)
	defer usr1()
	switch string(mode) {
	case "dies":
		fmt.Fprintln(os.Stderr, "no luck today")
		os.Exit(3)
	case "never":
		w.Status("never ready")
		return t.Park("nothing")
	case "leaves":
		return nil
	case "prints":
		line := []byte(strings.Repeat("x", 1023) + "\n")
		for range 10 << 10 {
			_, _ = os.Stderr.Write(line)
		}
		w.Status(strings.Repeat("y", 100_000))
	case "another":
		_, err := w.Listen("another")
		return err
	case "plain": // canceled when it is to end
		w.Ready()
		return t.Park("the end")
	case "stubborn":
		w.OnRetire(func() { w.Status("retired") })
		w.Ready()
		return t.Shielded(func(*corolla.Scope) error { return t.Park("nothing") })
	case "hangs":
		w.Ready()
		for len(mode) > 0 { // and the loop with it
		}
	case "unwell":
		w.Check(func(*corolla.Task) error { return errors.New("no disk") })
		w.Ready()
		return t.Park("the end")
	case "ends":
		w.Ready()
		return nil
	}
	if kind, how, ok := strings.Cut(string(mode), " "); ok && kind == "lines" {
		return serveLines(t, w, how)
	}
	ln, err := w.Listen("web")
	if err != nil {
		return err
	}
	if string(mode) == "tls" {
		if ln, err = aio.NewTLSListener(ln.Socket(), &tls.Config{Certificates: []tls.Certificate{certificate()}}); err != nil {
			return err
		}
	}
	return w.ServeHTTP(t, &web.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/orphan" { // a process whose parent has ended
			_ = exec.Command("sh", "-c", "sleep 0 & exit 0").Run()
		}
		rw.Header().Set("Worker", fmt.Sprintf("%d %d %d", os.Getpid(), w.Number(), w.Generation()))
		_, _ = io.WriteString(rw, "hello")
	})}, ln)
}

// certificate returns that of net/http/httptest, which is good enough where nobody checks it.
func certificate() tls.Certificate {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return s.TLS.Certificates[0]
}

// extra is what the next parent inherits, from descriptor 3 on.
var extra []*os.File

// parent is a pool's parent, in a process of its own.
type parent struct {
	t      *testing.T
	cmd    *exec.Cmd
	s      settings
	events chan event // closed at its end
	log    []event    // what was taken
	stderr strings.Builder
	addr   string
	tls    bool
}

// modeFile makes a mode file.
func modeFile(t *testing.T, mode string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "mode")
	if err := os.WriteFile(name, []byte(mode), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// event is a line of a parent's log.
type event struct {
	Msg, Worker, Why, Status, Err, Name, Addr string
	PID, Generation, Failed                   int
	Told                                      bool
	Given, Kept                               int
}

// begin starts a parent, by a command before it if there is one.
func begin(t *testing.T, s settings, before ...string) *parent {
	t.Helper()
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	leaktest.Close(t, l)
	if s.Mode == "" {
		s.Mode = filepath.Join(t.TempDir(), "mode")
	}
	p := &parent{t: t, s: s, events: make(chan event, 1000)}
	if _, err := os.Stat(s.Mode); err != nil {
		p.mode("web")
	}
	if s.Network == "" {
		p.s.Network, p.s.Address = "tcp", "127.0.0.1:0"
	}
	text, err := json.Marshal(p.s)
	if err != nil {
		t.Fatal(err)
	}
	args := append(before, os.Args[0])
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Env = append(os.Environ(), poolVariable+"="+string(text), "GORACE=atexit_sleep_ms=0") // it would wait for a second
	p.cmd.Stderr, p.cmd.ExtraFiles = &p.stderr, extra
	out, err := p.cmd.StdoutPipe()
	if err := errors.Join(err, p.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // unless it has ended
		for range p.events {     // until it has ended
		}
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Wait()
		}
	})
	return p
}

func (p *parent) read(out io.Reader) {
	defer close(p.events)
	for in := bufio.NewScanner(out); in.Scan(); {
		var e event
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			e.Msg = in.Text()
		}
		p.events <- e
	}
}

// mode says how the next workers behave, those too that are being started.
func (p *parent) mode(mode string) {
	if err := errors.Join(os.WriteFile(p.s.Mode+".new", []byte(mode), 0o600), os.Rename(p.s.Mode+".new", p.s.Mode)); err != nil {
		p.t.Fatal(err)
	}
}

// any takes the next event of the log.
func (p *parent) any() event {
	p.t.Helper()
	late := time.NewTimer(deadline)
	defer late.Stop()
	select {
	case e, ok := <-p.events:
		if !ok {
			p.t.Fatalf("the parent has ended; its log: %+v\n%s", p.log, p.stderr.String())
		}
		if p.log = append(p.log, e); e.Msg == "listening" {
			p.addr = e.Addr
		}
		return e
	case <-late.C:
		p.t.Fatalf("the parent says nothing more; its log: %+v", p.log)
	}
	panic("unreachable")
}

// next takes the log up to an event with a message.
func (p *parent) next(msg string) event {
	p.t.Helper()
	for {
		if e := p.any(); e.Msg == msg {
			return e
		}
	}
}

// ready waits until so many workers are, and returns them by their PIDs.
func (p *parent) ready(n int) map[int]string {
	p.t.Helper()
	all := map[int]string{}
	for range n {
		e := p.next("worker ready")
		all[e.PID] = e.Worker
	}
	return all
}

// ended waits until so many workers have ended that were told to.
func (p *parent) ended(n int) {
	p.t.Helper()
	for range n {
		if e := p.next("worker ended"); e.Status != "exit status 0" || !e.Told {
			p.t.Errorf("%+v", e)
		}
	}
}

func (p *parent) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// end waits until the parent has ended, and returns its exit status.
func (p *parent) end() int {
	p.t.Helper()
	for e := range p.events {
		p.log = append(p.log, e)
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop ends the parent in order.
func (p *parent) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		p.t.Errorf("exit status %d; %s", code, p.stderr.String())
	}
}

// gone waits for the end of a process that need not be a child of ours.
func gone(t *testing.T, pid int) {
	t.Helper()
	l, err := corolla.New()
	if err != nil {
		t.Fatal(err)
	}
	defer leaktest.Close(t, l)
	p, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer func() { _ = p.Release() }() // it is not ours to wait for
	if err := l.Run(func(task *corolla.Task) error {
		ended := corolla.NewFuture[int](l)
		stop, err := l.OnExit(p, func() { _ = ended.Resolve(0) })
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		if err != nil {
			return err
		}
		defer stop()
		_, err = ended.AwaitTimeout(task, deadline)
		return err
	}); err != nil {
		t.Errorf("process %d lives on: %v", pid, err)
	}
}
