package websocket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web/websocket"
)

// long is a text that can be compressed, but not to nothing.
func long(size int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "%d petals, é %x; ", r.IntN(10), r.Uint64()) // é may be cut in two
	}
	return b.String()
}

// A message may be longer than MaxMessage if it is read as it comes, and neither side holds much of it.
func TestStreamedMessages(t *testing.T) {
	for name, opts := range map[string][]websocket.Option{
		"plain":            {websocket.MaxMessage(1 << 10)},
		"deflate":          {websocket.MaxMessage(1 << 10), websocket.Deflate(0)},
		"deflate at times": {websocket.MaxMessage(1 << 10), websocket.Deflate(100 << 10)},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				a, b := e.pair(opts...)
				for _, size := range []int{0, 1, 5000, 16 << 10, 16<<10 + 1, 2 << 20} {
					e.streams(a, b, long(size)[:size])
					e.streams(b, a, long(size)[:size])
				}
				e.writes(a, "Hello")
				e.reads(b, "Hello")
			})
		})
	}
}

func (e *env) streams(from, to *websocket.Conn, s string) {
	e.Helper()
	kind := websocket.Text
	if len(s)%2 == 0 {
		kind = websocket.Binary // it may end within a character
	}
	s = strings.ToValidUTF8(s, "?")
	sent := e.aside(func(t *corolla.Task) error {
		w, err := from.NextWriter(t, kind)
		if err != nil {
			return err
		}
		defer w.Abort()
		if _, err := io.Copy(struct{ io.Writer }{w}, strings.NewReader(s)); err != nil {
			return err
		}
		if n := from.Buffered(); n > 300<<10 {
			e.Errorf("%d bytes are unsent", n)
		}
		return w.Close()
	})
	got, r, err := to.NextReader(e.task)
	e.must(err)
	if got != kind {
		e.Errorf("a message of %v arrives as %v", kind, got)
	}
	e.must(e.task.Sleep(time.Millisecond)) // debug mode overwrites what is lent
	var all bytes.Buffer
	for p := make([]byte, 3001); err == nil; {
		var n int
		n, err = r.Read(p)
		all.Write(p[:n])
		if held := to.Held(); held > 256<<10 {
			e.Fatalf("%d bytes are held", held)
		}
	}
	if all.String() != s || err != io.EOF {
		e.Errorf("%d bytes arrive of %d: %v", all.Len(), len(s), err)
	}
	if n, err := r.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		e.Errorf("behind the end: %d bytes, %v", n, err)
	}
	e.await(sent)
}

// What is sent in pieces arrives in pieces, with control frames between.
func TestReaderGetsPieces(t *testing.T) {
	for _, as := range roles {
		eachHost(t, func(e *env) {
			heard := make([]string, 0, 4)
			p := e.rawTo(as, func(t *corolla.Task, c *websocket.Conn) error {
				kind, r, err := c.NextReader(t)
				if kind != websocket.Text || err != nil {
					return errors.Join(err, errors.New(kind.String()))
				}
				for buf := make([]byte, 100); ; {
					n, err := r.Read(buf)
					heard = append(heard, string(buf[:n]))
					if err != nil {
						_ = c.Close(t, websocket.CodeNormal, "")
						return nil
					}
				}
			})
			p.say(begin("x\xc3"))
			e.settle(func() bool { return len(heard) == 1 })
			p.say(ping("1"), more(""), ping("2"))
			p.hears(pong("1"), pong("2"))
			b := p.bytes(last("\xa9y"))
			p.send(b[:len(b)-1])
			e.settle(func() bool { return strings.Join(heard, "") == "x\xc3\xa9" })
			p.send(b[len(b)-1:])
			p.hears(bye(1000, ""))
			if got := strings.Join(heard, ""); got != "x\xc3\xa9y" || heard[0] != "x\xc3" {
				e.Errorf("heard %q", heard)
			}
		})
	}
}

// A message that is read in pieces and is wrong ends the connection where it is wrong.
func TestReaderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		frames []frame
		code   int
		packed bool
	}{
		"text":                      {frames: []frame{begin("a\xc3"), more("\x28")}, code: 1007},
		"cut text":                  {frames: []frame{begin("a"), last("\xe2\x82")}, code: 1007},
		"another message":           {frames: []frame{begin("a"), text("b")}, code: 1002},
		"corrupt":                   {frames: []frame{{rsv1 | 1, "\xff\xff\xff"}}, code: 1007, packed: true},
		"compressed text":           {frames: []frame{{fin | rsv1 | 1, deflated("a\xc3(")}}, code: 1007, packed: true},
		"more than it should":       {frames: []frame{{rsv1 | 1, "\x01\x00\x00\xff\xff"}, last("abc")}, code: 1007, packed: true},
		"a compressed continuation": {frames: []frame{begin("a"), {fin | rsv1, "b"}}, code: 1002, packed: true},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				extensions := ""
				if c.packed {
					extensions = "permessage-deflate"
				}
				p := e.rawClient(extensions, func(t *corolla.Task, conn *websocket.Conn) error {
					_, r, err := conn.NextReader(t)
					if err == nil {
						_, err = io.Copy(io.Discard, r)
						if _, again := r.Read(make([]byte, 1)); again != err {
							e.Errorf("the error is first %v and then %v", err, again)
						}
					}
					if !errors.As(err, new(*websocket.ProtocolError)) {
						e.Errorf("Read: %v", err)
					}
					if _, _, again := conn.Read(t); again != err {
						e.Errorf("the next message: %v, want %v", again, err)
					}
					return nil
				}, websocket.Deflate(0))
				p.say(c.frames...)
				p.hears(bye(c.code, ""))
			})
		})
	}
}

// A small message that becomes a large one costs no more memory than others, and can be left alone.
func TestReaderOfABomb(t *testing.T) {
	eachHost(t, func(e *env) {
		size := 64 << 20
		if testing.Short() {
			size = 8 << 20
		}
		bomb := deflated(strings.Repeat("\x00", size))
		p := e.rawClient("permessage-deflate", func(t *corolla.Task, c *websocket.Conn) error {
			_, r, err := c.NextReader(t)
			if err != nil {
				return err
			}
			if n, err := io.CopyN(io.Discard, r, 1<<20); err != nil {
				e.Errorf("%d bytes: %v", n, err)
			}
			_, b, err := c.Read(t)
			if string(b) != "Hello" || err != nil {
				e.Errorf("behind the bomb: %q, %v", b, err)
			}
			if _, err := io.Copy(io.Discard, r); err == nil {
				e.Error("the bomb can still be read")
			}
			return c.Close(t, websocket.CodeNormal, "")
		}, websocket.Deflate(0))
		p.say(frame{rsv1 | 2, bomb[:len(bomb)/2]}, last(bomb[len(bomb)/2:]), text("Hello"))
		p.hears(bye(1000, ""))
		p.say(bye(1000, ""))
		p.hearsEnd()
	})
}

// Messages are skipped, read whole and read in pieces in any order, and a cancel loses nothing.
func TestReadersAndReads(t *testing.T) {
	eachHost(t, func(e *env) {
		var c *websocket.Conn
		var done corolla.Event
		p := e.rawClient("", func(t *corolla.Task, conn *websocket.Conn) error {
			c = conn
			return done.Wait(t)
		})
		e.settle(func() bool { return c != nil })
		canceled := func(f func() error) {
			e.Helper()
			err := e.task.Timeout(5*time.Millisecond, func(*corolla.Scope) error { return f() })
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				e.Errorf("without a message: %v", err)
			}
		}
		next := func() error { _, _, err := c.NextReader(e.task); return err }
		read := func() error { _, _, err := c.Read(e.task); return err }
		canceled(next)
		p.say(text("one"), begin("tw"))
		e.reads(c, "one")
		canceled(read) // which keeps what there is of the second
		_, r, err := c.NextReader(e.task)
		e.must(err)
		buf := make([]byte, 10)
		if n, err := r.Read(buf); string(buf[:n]) != "tw" || err != nil {
			e.Errorf("begun by another: %q, %v", buf[:n], err)
		}
		canceled(func() error { _, err := r.Read(buf); return err })
		p.say(last("o"))
		if n, err := r.Read(buf); string(buf[:n]) != "o" || err != nil {
			e.Errorf("after a cancel: %q, %v", buf[:n], err)
		}
		p.say(begin("left alone"), more("and"))
		e.must(next())
		canceled(read)
		p.say(last("over"), text("three"), begin("four"), last(""))
		e.reads(c, "three")
		e.reads(c, "four")
		done.Set()
	})
}

// A second task that reads is told so, and a Reader knows when it is of no use any more.
func TestReaderBusy(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		hub := green.NewHub(e.loop)
		w, err := a.NextWriter(e.task, websocket.Binary)
		e.must(err)
		_, err = w.Write(make([]byte, 20<<10))
		e.must(err)
		var r *websocket.Reader
		got := hub.Go(func() error {
			var err error
			if _, r, err = b.Green(hub).NextReader(); err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, r)
			if n != 20<<10 {
				e.Errorf("read %d bytes", n)
			}
			return err
		})
		e.settle(func() bool { return r != nil })
		e.must(e.task.Sleep(time.Millisecond))
		for what, f := range map[string]func() error{
			"Reader.Read": func() error { _, err := r.Read(make([]byte, 1)); return err },
			"Read":        func() error { _, _, err := b.Read(e.task); return err },
			"NextReader":  func() error { _, _, err := b.NextReader(e.task); return err },
		} {
			if err := f(); err != corolla.ErrBusy {
				e.Errorf("%s by another task: %v", what, err)
			}
		}
		e.must(w.Close())
		_, err = got.Future().Await(e.task)
		e.must(err)
	})
}
