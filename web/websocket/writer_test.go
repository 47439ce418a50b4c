package websocket_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web/websocket"
)

// A message in pieces goes out in frames, control frames come between, and other messages behind.
func TestWriterFrames(t *testing.T) {
	const piece = 16 << 10
	eachHost(t, func(e *env) {
		var c *websocket.Conn
		var done corolla.Event
		p := e.rawClient("", func(t *corolla.Task, conn *websocket.Conn) error { c = conn; return done.Wait(t) })
		e.settle(func() bool { return c != nil })
		w, err := c.NextWriter(e.task, websocket.Text)
		e.must(err)
		text40 := strings.Repeat("0123456789abcdef", 40<<10/16)
		n, err := io.WriteString(struct{ io.Writer }{w}, text40)
		if n != len(text40) || err != nil {
			e.Errorf("Write: %d, %v", n, err)
		}
		p.hears(begin(text40[:piece]), more(text40[piece:2*piece]))
		if err := c.TryWrite(websocket.Text, nil); err != corolla.ErrWouldBlock {
			e.Errorf("TryWrite meanwhile: %v", err)
		}
		if err := c.TryWritePrepared(websocket.Prepare(websocket.Text, nil)); err != corolla.ErrWouldBlock {
			e.Errorf("TryWritePrepared meanwhile: %v", err)
		}
		e.panics("while the task has another one open", func() { _ = c.Write(e.task, websocket.Text, nil) })
		e.panics("while the task has another one open", func() { _, _ = c.NextWriter(e.task, websocket.Text) })
		others := e.aside(func(t *corolla.Task) error {
			if err := c.Write(t, websocket.Text, []byte("one")); err != nil {
				return err
			}
			return c.WritePrepared(t, websocket.Prepare(websocket.Text, []byte("two")))
		})
		late := e.aside(func(t *corolla.Task) error {
			err := t.Timeout(time.Millisecond, func(*corolla.Scope) error { return c.Write(t, websocket.Text, []byte("late")) })
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				e.Errorf("canceled while it waits: %v", err)
			}
			return nil
		})
		e.await(late)
		e.must(w.Close())
		p.hears(last(text40[2*piece:]), text("one"), text("two"))
		e.await(others)
		if _, err := w.Write([]byte("x")); err == nil || w.Close() == nil {
			e.Error("the message goes on after its end")
		}
		done.Set()
	})
}

// A message that is compressed while it is written goes out while it is written, too.
func TestWriterCompresses(t *testing.T) {
	for extension, narrow := range map[string]bool{"permessage-deflate": false, "permessage-deflate; server_max_window_bits=9": true} {
		eachHost(t, func(e *env) {
			message := long(300 << 10)
			if narrow { // what repeats is too far away to be referred to
				message = strings.Repeat(long(4<<10), 75)
			}
			p := e.rawClient(extension, func(t *corolla.Task, c *websocket.Conn) error {
				w, err := c.NextWriter(t, websocket.Text)
				if err != nil {
					return err
				}
				defer w.Abort()
				_, err = w.Write([]byte(message))
				return errors.Join(err, w.Close())
			}, websocket.Deflate(0))
			packed, frames := "", 0
			for op := byte(rsv1 | 1); op&fin == 0; frames++ {
				f, err := p.hear()
				e.must(err)
				if f.op&^fin != op || len(f.text) > 48<<10 {
					e.Fatalf("frame %d is %v, want the first bits %02x", frames, f, op)
				}
				packed, op = packed+f.text, f.op&fin
			}
			if got, err := inflated(packed); got != message || err != nil || frames < 4 {
				e.Errorf("%d frames have %d bytes, decompressed %d, want %d: %v", frames, len(packed), len(got), len(message), err)
			}
		})
	}
}

// A message longer than the window is compressed as well as others are.
func TestLongMessagesAreCompressed(t *testing.T) {
	eachHost(t, func(e *env) {
		message := strings.Repeat(long(4<<10), 75)
		p := e.rawClient("permessage-deflate", func(t *corolla.Task, c *websocket.Conn) error {
			return c.Write(t, websocket.Text, []byte(message))
		}, websocket.Deflate(0))
		f, err := p.hear()
		e.must(err)
		if got, err := inflated(f.text); got != message || err != nil || len(f.text) > len(message)/10 {
			e.Errorf("compressed from %d to %d bytes: %v", len(message), len(f.text), err)
		}
	})
}

func (e *env) panics(why string, f func()) {
	e.Helper()
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, why) {
			e.Errorf("panic %q, want one with %q", text, why)
		}
	}()
	f()
}

// What a Writer cannot complete leaves nothing behind, or ends the connection.
func TestWriterGivesUp(t *testing.T) {
	big := make([]byte, 40<<10)
	for name, c := range map[string]struct {
		write func(e *env, c *websocket.Conn)
		ends  bool
	}{
		"nothing was sent": {write: func(e *env, c *websocket.Conn) {
			w, err := c.NextWriter(e.task, websocket.Binary)
			e.must(err)
			_, err = w.Write(big[:10])
			e.must(err)
			w.Abort()
			w.Abort()
		}},
		"a part was sent": {ends: true, write: func(e *env, c *websocket.Conn) {
			w, err := c.NextWriter(e.task, websocket.Binary)
			e.must(err)
			_, err = w.Write(big)
			e.must(err)
			w.Abort()
		}},
		"canceled": {ends: true, write: func(e *env, c *websocket.Conn) {
			w, err := c.NextWriter(e.task, websocket.Binary)
			e.must(err)
			if err := e.task.Timeout(time.Millisecond, func(*corolla.Scope) (err error) {
				for err == nil { // the peer reads nothing
					_, err = w.Write(big)
				}
				return err
			}); !errors.Is(err, os.ErrDeadlineExceeded) {
				e.Errorf("Write: %v", err)
			}
			if err := w.Close(); !errors.Is(err, corolla.ErrCanceled) {
				e.Errorf("Close: %v", err)
			}
		}},
		"forgotten": {ends: true, write: func(e *env, c *websocket.Conn) {
			e.await(e.aside(func(t *corolla.Task) error {
				w, err := c.NextWriter(t, websocket.Binary)
				if err != nil {
					return err
				}
				_, err = w.Write(big)
				return err
			}))
		}},
		"forgotten from the start": {write: func(e *env, c *websocket.Conn) {
			e.await(e.aside(func(t *corolla.Task) error { _, err := c.NextWriter(t, websocket.Binary); return err }))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				a, b := e.pair()
				c.write(e, a)
				err := a.Write(e.task, websocket.Text, []byte("next"))
				if !c.ends {
					e.must(err)
					e.reads(b, "next")
					return
				}
				if !errors.Is(err, net.ErrClosed) {
					e.Errorf("the next Write: %v", err)
				}
				if _, err := a.NextWriter(e.task, websocket.Text); !errors.Is(err, net.ErrClosed) {
					e.Errorf("NextWriter: %v", err)
				}
			})
		})
	}
}

// A connection that ends wakes who waits for a Writer to end, and the Writer hears of it.
func TestWriterOnAClosedConnection(t *testing.T) {
	eachHost(t, func(e *env) {
		a, _ := e.pair()
		hub := green.NewHub(e.loop)
		w, err := a.NextWriter(e.task, websocket.Text)
		e.must(err)
		waiting := hub.Go(func() error {
			if _, err := a.Green(hub).NextWriter(websocket.Text); !errors.Is(err, net.ErrClosed) {
				e.Errorf("NextWriter: %v", err)
			}
			return nil
		}).Future()
		e.must(e.task.Sleep(time.Millisecond))
		e.must(a.CloseNow())
		if _, err := w.Write(make([]byte, 40<<10)); !errors.Is(err, net.ErrClosed) {
			e.Errorf("Write: %v", err)
		}
		if err := w.Close(); !errors.Is(err, net.ErrClosed) {
			e.Errorf("Close: %v", err)
		}
		e.await(waiting)
	})
}
