package corolla_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// FuzzTunnel has a proxy answer anything, whole and cut in two: what comes of it is the same, and what is behind
// the answer is left to be read.
func FuzzTunnel(f *testing.F) {
	f.Add("http://p", "HTTP/1.1 200 OK\r\n\r\nhello", 5)
	f.Add("http://p", "HTTP/1.1 100 x\n\nHTTP/1.0 299\r\n\n", 20)
	f.Add("http://me:secret@p", "HTTP/1.1 407 x\r\n\r\n", 1)
	f.Add("socks5://p", "\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00\x50hello", 3)
	f.Add("socks5://me:secret@p", "\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\x00\x50", 9)
	f.Fuzz(func(t *testing.T, proxy, answer string, cut int) {
		u, err := url.Parse(proxy)
		if err != nil {
			return
		}
		cut = (cut & 0x7fffffff) % (len(answer) + 1)
		whole, pieces := tunneled(t, u, answer), tunneled(t, u, answer[:cut], answer[cut:])
		if whole != pieces {
			t.Errorf("whole: %s\ncut at %d: %s", whole, cut, pieces)
		}
	})
}

// tunneled returns what comes of a Tunnel whose proxy answers, without looking, in pieces.
func tunneled(t *testing.T, proxy *url.URL, pieces ...string) (came string) {
	l := sim.New(1, sim.Whole(), sim.Latency(time.Millisecond, time.Millisecond)).NewLoop(corolla.ErrorHandler(func(err error) { t.Errorf("reported: %v", err) }))
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		c, err := aio.Dial(task, "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		there, err := ln.Accept(task)
		if err != nil {
			return err
		}
		f := corolla.Tunnel(c.Socket(), proxy, nil, "x:1")
		for _, p := range pieces {
			if err := task.Sleep(10 * time.Millisecond); err != nil { // it has asked by now
				return err
			}
			if _, err := there.Write(task, []byte(p)); err != nil {
				return err
			}
		}
		if err := there.CloseWrite(); err != nil {
			return err
		}
		if _, err = f.Await(task); err != nil {
			came = err.Error()
		} else {
			b := make([]byte, 64<<10)
			n, err := c.ReadFull(task, b)
			came = fmt.Sprintf("connected, %q, %v", b[:n], err)
		}
		_, _ = c.Abort(), there.Abort()
		return ln.Close()
	}); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	return came
}
