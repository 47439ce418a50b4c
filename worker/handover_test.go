//go:build unix

package worker_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/worker"
)

// serveLines is a worker that counts the lines of each connection, and hands over connections with their counts.
// How says what it does with those that it is offered.
func serveLines(t *corolla.Task, w *worker.Worker, how string) error {
	ln, err := w.Listen("web", corolla.IdleTimeout(deadline))
	if err != nil {
		return err
	}
	counts := map[*aio.Conn]int{}
	srv := aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
		n := counts[c]
		delete(counts, c)
		err := countLines(t, w, c, &n)
		if !errors.Is(err, worker.ErrRetired) {
			return err
		}
		state := []byte(strconv.Itoa(n))
		if how == "large" {
			state = append(bytes.Repeat([]byte{'0'}, worker.MaxState), state...)
		}
		if err = w.HandOver(t, "lines", c, state); err != nil {
			if !errors.Is(err, worker.ErrNotTaken) {
				panic(err)
			}
			_, err = c.Write(t, []byte("bye\n"))
		}
		return err
	})
	if how != "unknown" {
		w.OnHandOver("lines", func(t *corolla.Task, o *worker.Offer) error {
			switch how {
			case "refuses":
				return errors.New("not today")
			case "does not take":
				return nil
			case "hangs":
				return t.Park("nothing")
			case "stops":
				return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGSTOP), t.Park("nothing"))
			case "dies":
				return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), t.Park("the end"))
			case "panics":
				panic("an odd state")
			}
			n, err := strconv.Atoi(string(o.State))
			if err != nil {
				return err
			}
			c, err := o.Take(t, ln)
			if err != nil {
				return err
			}
			if how == "dies later" {
				return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), t.Park("the end"))
			}
			counts[c] = n
			return srv.Adopt(c)
		})
	}
	return w.Serve(t, srv)
}

func countLines(t *corolla.Task, w *worker.Worker, c *aio.Conn, n *int) error {
	for {
		err := w.UntilRetired(t, func(*corolla.Scope) error {
			_, err := c.ReadUntil(t, []byte("\n"))
			return err
		})
		if err != nil {
			return err
		}
		*n++
		if _, err := fmt.Fprintf(c.Bind(t), "%d %d\n", *n, os.Getpid()); err != nil {
			return err
		}
	}
}

// session is a client of serveLines.
type session struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	n    int
}

func (p *parent) session() *session {
	p.t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(deadline)) // it is open
	return &session{p.t, c, bufio.NewReader(c), 0}
}

func (s *session) send(text string) {
	s.t.Helper()
	if _, err := s.conn.Write([]byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// answer returns the process that has answered the next line.
func (s *session) answer() (pid int) {
	s.t.Helper()
	text, err := s.in.ReadString('\n')
	n := 0
	if _, e := fmt.Sscan(text, &n, &pid); e != nil || err != nil {
		s.t.Fatalf("%q, %v", text, err)
	}
	if s.n++; n != s.n {
		s.t.Errorf("line %d is called %d", s.n, n)
	}
	return pid
}

// Sessions live through reloads: what they have counted goes along, and so does what a client has begun to say.
func TestHandOver(t *testing.T) {
	p := begin(t, settings{Workers: 1, Mode: modeFile(t, "lines well"), Linger: deadline, Grace: 2 * deadline})
	p.ready(1)
	const clients = 100 // more than may be on their way at a time
	var all []*session
	for range clients {
		s := p.session()
		defer s.conn.Close()
		s.send("one\ntwo\nthr")
		s.answer()
		s.answer()
		all = append(all, s)
	}
	for range 3 {
		p.signal(syscall.SIGHUP)
		for _, s := range all { // while they are handed over
			s.send("ee\nf")
		}
		for pid := range p.ready(1) {
			if e := p.next("worker handed over"); e.Given != clients || e.Kept != 0 {
				t.Errorf("%+v", e)
			}
			p.ended(1)
			for _, s := range all {
				s.answer()
				s.send("our\nthr")
				if got := s.answer(); got != pid {
					t.Errorf("process %d has answered, want %d", got, pid)
				}
			}
		}
	}
	for _, s := range all {
		s.conn.Close() // and the worker ends, as it has nothing to do
	}
	p.stop()
}

// A successor that does not take connections: the old worker goes on with them, its log says why, and it ends.
func TestNotTaken(t *testing.T) {
	for how, why := range map[string]string{
		"large": "at most together", "unknown": `takes no "lines"`, "refuses": "not today", "does not take": "was not taken", "panics": "an odd state",
		"hangs": "has not answered", "dies": "has ended",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			linger := deadline
			if how == "hangs" {
				linger = 100 * time.Millisecond
			}
			p := begin(t, settings{Workers: 1, Mode: modeFile(t, "lines "+strings.Replace(how, "unknown", "well", 1)), Linger: linger, Grace: 2 * deadline})
			p.ready(1)
			s := p.session()
			defer s.conn.Close()
			s.send("one\n")
			s.answer()
			p.mode("lines " + how)
			p.signal(syscall.SIGHUP)
			if text, err := s.in.ReadString('\n'); text != "bye\n" {
				t.Errorf("%q, %v", text, err)
			}
			if _, err := s.in.ReadByte(); err == nil {
				t.Error("the connection has not ended")
			}
			p.mode("lines well")
			if e := p.next("worker handed over"); e.Given != 0 || e.Kept != 1 || !strings.Contains(e.Why, why) {
				t.Errorf("%+v", e)
			}
			p.stop()
		})
	}
}

// A successor that is stopped after it has become ready holds up nobody.
func TestSuccessorStops(t *testing.T) {
	p := begin(t, settings{Workers: 1, Mode: modeFile(t, "lines well"), Linger: 200 * time.Millisecond, Grace: 2 * deadline, Watchdog: -1})
	p.ready(1)
	s := p.session()
	defer s.conn.Close()
	s.send("one\n")
	s.answer()
	p.mode("lines stops")
	p.signal(syscall.SIGHUP)
	if text, err := s.in.ReadString('\n'); text != "bye\n" {
		t.Errorf("%q, %v", text, err)
	}
	if e := p.next("worker handed over"); e.Kept != 1 || !strings.Contains(e.Why, "has not answered") {
		t.Errorf("%+v", e)
	}
	p.ended(1)
	p.signal(syscall.SIGCONT) // which is passed on
	s = p.session()
	defer s.conn.Close()
	s.send("one\n")
	s.answer()
	s.conn.Close()
	p.stop()
}

// A successor that is killed when it has taken a connection takes that along, and the old worker ends.
func TestSuccessorDies(t *testing.T) {
	p := begin(t, settings{Workers: 1, Mode: modeFile(t, "lines well"), Linger: deadline, Grace: 2 * deadline})
	p.ready(1)
	s := p.session()
	defer s.conn.Close()
	s.send("one\n")
	s.answer()
	p.mode("lines dies later")
	p.signal(syscall.SIGHUP)
	if _, err := s.in.ReadString('\n'); err == nil {
		t.Error("a connection has outlived its process")
	}
	p.mode("lines well")
	if e := p.next("worker handed over"); e.Given != 1 {
		t.Errorf("%+v", e)
	}
	p.ready(1)
	s = p.session()
	defer s.conn.Close()
	s.send("one\n")
	s.answer()
	s.conn.Close()
	p.stop()
}

// A request that has begun when its connection is handed over is answered by the new worker, also after a version
// that has not become ready. So is the next one.
func TestHalfARequest(t *testing.T) {
	p := begin(t, settings{Workers: 1, Linger: deadline, Grace: 2 * deadline})
	p.ready(1)
	c := client{network: "tcp", addr: p.addr, keep: true}
	defer c.drop()
	if _, err := c.get("/"); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(c.conn, "GET / HTTP/1.1\r\nHost: ha"); err != nil {
		t.Fatal(err)
	}
	p.mode("another")
	p.signal(syscall.SIGHUP)
	p.next("the new workers do not become ready; the old ones go on")
	p.mode("web")
	p.signal(syscall.SIGHUP)
	p.next("reloaded")
	if e := p.next("worker handed over"); e.Given != 1 || e.Kept != 0 {
		t.Errorf("%+v", e)
	}
	p.ended(1)
	if _, err := fmt.Fprint(c.conn, "lf\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a, err := c.answer()
		if err != nil || a.generation != 1 || a.pid == 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		if _, err := fmt.Fprint(c.conn, "GET / HTTP/1.1\r\nHost: half\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	if c.opened != 1 {
		t.Errorf("%d connections", c.opened)
	}
	c.drop()
	p.stop()
}
