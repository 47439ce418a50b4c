package transport_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// wild is a protocol that does anything at any time, in every one of its calls: it writes, sends
// files and cancels them, pauses, closes, half-closes, aborts, and registers producers.
type wild struct {
	*testing.T
	rng  *rand.Rand
	conn *transport.Conn
	file *os.File
	text string

	log                    []string
	wrote, got             []byte
	files                  []*corolla.Future[int64]
	opened, closed         int
	keep, dirty            bool // dirty: not all that was written need arrive
	closing, producing     bool
	deeds, depth, maxDeeds int
	err                    error
}

func (p *wild) say(f string, args ...any) { p.log = append(p.log, fmt.Sprintf(f, args...)) }

// told notes a call, and fails if it may not be.
func (p *wild) told(what string) {
	p.say("%s", what)
	if p.closed > 0 {
		p.Errorf("%s after Closed", what)
	}
}

func (p *wild) Opened(c *transport.Conn) {
	p.conn = c
	p.opened++
	p.told("opened")
	p.act(2)
}

func (p *wild) Data(_ *transport.Conn, b []byte) {
	p.told("data")
	p.got = append(p.got, b...)
	if p.closing {
		p.Error("data after Close")
	}
	p.act(1)
}

func (p *wild) EOF(*transport.Conn) bool { p.told("eof"); p.act(1); return p.keep }

func (p *wild) PauseWriting(*transport.Conn)  { p.told("pause"); p.act(1) }
func (p *wild) ResumeWriting(*transport.Conn) { p.told("resume"); p.act(1) }

func (p *wild) Closed(_ *transport.Conn, err error) {
	if p.depth > 0 {
		p.Error("Closed within a call of a method")
	}
	p.closed++
	p.err = err
	p.say("closed(%v)", err)
}

func (p *wild) Pause()  { p.told("Pause") }
func (p *wild) Resume() { p.told("Resume") }
func (p *wild) Stop()   { p.say("Stop"); p.producing = false }

// act does some things at random.
func (p *wild) act(n int) {
	if p.conn == nil || p.deeds > p.maxDeeds || p.depth > 3 {
		return
	}
	p.depth++
	defer func() { p.depth-- }()
	for range n {
		p.deeds++
		switch p.rng.IntN(20) {
		case 0, 1, 2, 3, 4:
			p.write()
		case 5, 6, 7:
			p.send()
		case 8:
			p.cancel()
		case 9, 10, 11:
			p.end()
		case 12:
			p.conn.PauseReading()
		case 13, 14:
			p.conn.ResumeReading()
		case 15:
			if !p.producing && p.conn.RegisterProducer(p) == nil {
				p.producing = true
			}
		case 16, 17:
			p.producing = false
			p.conn.UnregisterProducer()
		case 18:
			if p.rng.IntN(10) == 0 {
				p.dirty = true
				p.conn.SetIdleTimeout(time.Duration(p.rng.IntN(20)) * time.Millisecond)
			}
		case 19:
			p.conn.SetWriteMarks(p.rng.IntN(100), 100+p.rng.IntN(1000))
		}
	}
}

func (p *wild) write() {
	b := []byte(strings.Repeat(string(rune('a'+p.rng.IntN(26))), 1<<p.rng.IntN(18)))
	at := len(p.wrote)
	p.wrote = append(p.wrote, b...) // before it is written, for that may do more
	var err error
	if p.rng.IntN(5) == 0 {
		err = p.conn.WriteBatch(b[:len(b)/2], nil, b[len(b)/2:])
	} else {
		err = p.conn.Write(b)
	}
	if err != nil {
		p.wrote = append(p.wrote[:at:at], p.wrote[at+len(b):]...)
	}
	p.say("write %d: %v", len(b), err)
}

func (p *wild) send() {
	off, n := p.rng.Int64N(int64(len(p.text))), p.rng.Int64N(100_000)
	n = min(n, int64(len(p.text))-off)
	p.wrote = append(p.wrote, p.text[off:off+n]...)
	f := p.conn.SendFile(p.file, off, n)
	if f.Done() {
		if _, err := f.Result(); err != nil { // it was refused
			p.wrote = p.wrote[:len(p.wrote)-int(n)]
		}
		return
	}
	p.say("send %d", n)
	p.files = append(p.files, f)
}

func (p *wild) cancel() {
	if len(p.files) > 0 && p.files[p.rng.IntN(len(p.files))].Cancel(nil) {
		p.dirty = true
		p.say("cancel")
	}
}

func (p *wild) end() {
	switch p.rng.IntN(24) {
	case 0, 1:
		p.say("close")
		p.closing = true
		p.conn.Close()
	case 2, 3:
		p.say("close write")
		p.conn.CloseWrite()
	case 4:
		p.say("abort")
		p.dirty, p.closing = true, true
		p.conn.Abort()
	}
}

// finish takes back what may hold a connection up, and ends it.
func (p *wild) finish() {
	if p.conn == nil {
		return
	}
	p.deeds = p.maxDeeds + 1
	p.conn.SetIdleTimeout(0)
	p.conn.ResumeReading()
	p.conn.UnregisterProducer()
	p.conn.CloseWrite()
}

func TestRandomConnections(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "%d,", i)
	}
	file := plainFile(t, text.String())
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		sides := [2]*wild{}
		for i := range sides {
			sides[i] = &wild{T: t, rng: rng, file: file, text: text.String(), maxDeeds: 40, keep: rng.IntN(2) == 0}
		}
		w := sim.New(seed, sim.Begin(time.Now()))
		l := w.NewLoop(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) {
			var handshake *transport.HandshakeError
			if !errors.As(err, &handshake) {
				t.Errorf("error handler: %v", err)
			}
		}))
		err := l.Run(func(task *corolla.Task) error {
			return wildly(task, seed%2 == 0, sides[0], sides[1], &tls.Config{Certificates: []tls.Certificate{cert}},
				&tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
		})
		sides[0].check(sides[1])
		sides[1].check(sides[0])
		leaktest.Loop(t, l)
		if err := errors.Join(err, l.Close()); err != nil {
			t.Error(err)
		}
		if w.Open() != 0 {
			t.Errorf("%d descriptors are open", w.Open())
		}
		if t.Failed() {
			t.Fatalf("seed %d\nserver %v\nclient %v", seed, sides[0].log, sides[1].log)
		}
	}
}

func wildly(task *corolla.Task, secure bool, s, c *wild, server, client *tls.Config) error {
	l, build := task.Loop(), func(*transport.Conn) transport.Protocol { return s }
	var srv *transport.Server
	var err error
	if secure {
		srv, err = transport.ServeTLS(l, "tcp", "127.0.0.1:0", server, build)
	} else {
		srv, err = transport.Serve(l, "tcp", "127.0.0.1:0", build)
	}
	if err != nil {
		return err
	}
	defer srv.Close()
	if secure {
		_, err = transport.DialTLS(l, "tcp", srv.Addr().String(), client, c).Await(task)
	} else {
		_, err = transport.Dial(l, "tcp", srv.Addr().String(), c).Await(task)
	}
	if err != nil && s.opened > 0 { // the server has aborted at once
		s.conn.Abort()
		return task.Sleep(time.Second)
	}
	if err != nil {
		return err
	}
	for range 30 {
		if err := task.Sleep(time.Duration(c.rng.IntN(2000)) * time.Microsecond); err != nil {
			return err
		}
		s.act(1)
		c.act(1)
	}
	s.finish()
	c.finish()
	if err := task.Sleep(3 * time.Second); err != nil {
		return err
	}
	for _, p := range []*wild{s, c} {
		if p.conn != nil {
			p.conn.Close()
		}
	}
	return task.Sleep(2 * time.Minute) // more than a closed connection waits
}

// check looks at one side when all is over, and at what the other got.
func (p *wild) check(other *wild) {
	if p.opened > 1 || p.closed != p.opened {
		p.Errorf("opened %d times, closed %d times", p.opened, p.closed)
	}
	for _, f := range p.files {
		if !f.Done() {
			p.Error("a file is neither sent nor refused")
		}
		_, _ = f.Result()
	}
	if p.dirty {
		return
	}
	if !strings.HasPrefix(string(p.wrote), string(other.got)) {
		p.Errorf("the other got something else: %d bytes, of %d", len(other.got), len(p.wrote))
	}
	cut := p.err != nil || other.err != nil || other.dirty || other.closing
	if !cut && len(other.got) != len(p.wrote) {
		p.Errorf("the other got %d bytes of %d", len(other.got), len(p.wrote))
	}
}
