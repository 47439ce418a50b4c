package aio_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Whatever waits for a connection hears that its time is up.
func TestLimitsOfTimeEndWhatWaits(t *testing.T) {
	const limit = 30 * time.Millisecond
	file := plainFile(t, strings.Repeat("x", 8<<20))
	for name, wait := range map[string]func(task *corolla.Task, c, other *aio.Conn) error{
		"read":    func(task *corolla.Task, c, _ *aio.Conn) error { _, err := c.Read(task, make([]byte, 1)); return err },
		"receive": func(task *corolla.Task, c, _ *aio.Conn) error { _, err := c.Receive(task); return err },
		"line":    func(task *corolla.Task, c, _ *aio.Conn) error { _, err := c.ReadUntil(task, []byte{0}); return err },
		"write": func(task *corolla.Task, c, _ *aio.Conn) error {
			_, err := c.Write(task, make([]byte, 8<<20))
			return err
		},
		"flush": func(task *corolla.Task, c, _ *aio.Conn) error {
			c.SetWriteMarks(-1, 1<<30)
			return errors.Join(c.TryWrite(make([]byte, 8<<20)), c.Flush(task))
		},
		"file":   func(task *corolla.Task, c, _ *aio.Conn) error { _, err := c.SendFile(task, file, 0, -1); return err },
		"copy":   func(task *corolla.Task, c, other *aio.Conn) error { _, err := aio.Copy(task, other, c); return err },
		"splice": func(task *corolla.Task, c, other *aio.Conn) error { _, err := c.SpliceTo(task, other); return err },
	} {
		for what, opt := range map[string]corolla.SocketOption{"idle": corolla.IdleTimeout(limit), "life": corolla.LifeTimeout(limit)} {
			t.Run(name+", "+what, func(t *testing.T) {
				onHosts(t, func(t *testing.T, task *corolla.Task) {
					ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0", append(smallBuffers, opt)...)
					if err != nil {
						t.Fatal(err)
					}
					c, peer := oneOf(t, task, ln)
					other, far := oneOf(t, task, ln)
					var late *corolla.TimeoutError
					if err := wait(task, c, other); !errors.As(err, &late) || late.After != limit || !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("it ended with %v", err)
					}
					if _, err := c.Read(task, make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("a read behind it: %v", err)
					}
					if _, err := c.Write(task, make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("a write behind it: %v", err)
					}
					if err := c.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
					if err := c.Close(); !errors.Is(err, net.ErrClosed) {
						t.Errorf("a second Close: %v", err)
					}
					for _, c := range []*aio.Conn{peer, other, far} {
						_ = c.Abort() // or its time is up, too
					}
					if err := ln.Close(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// The peer of a connection whose time is up finds its end, or a reset if it has not got everything.
func TestPeersOfThoseWhoseTimeIsUp(t *testing.T) {
	for size, want := range map[int]error{0: io.EOF, 8 << 20: syscall.ECONNRESET} {
		onHosts(t, func(t *testing.T, task *corolla.Task) {
			ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0", append(smallBuffers, corolla.IdleTimeout(20*time.Millisecond))...)
			if err != nil {
				t.Fatal(err)
			}
			c, peer := oneOf(t, task, ln)
			c.SetWriteMarks(-1, 1<<30)
			if err := c.TryWrite(make([]byte, size)); err != nil {
				t.Error(err)
			}
			settle(t, task, func() bool { return c.Socket().Closed() })
			if n, err := io.Copy(io.Discard, peer.Bind(task)); !errors.Is(err, want) && (err != nil || want != io.EOF) || n > 0 && int(n) >= size {
				t.Errorf("of %d bytes the peer got %d, and %v", size, n, err)
			}
			_, _ = peer.Close(), ln.Close()
		})
	}
}

// A server's handlers end with their connections' time, and that is not worth a report.
func TestServerWhoseConnectionsHaveLittleTime(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0", corolla.IdleTimeout(20*time.Millisecond), corolla.LifeTimeout(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		addr := ln.Addr().String()
		srv := aio.NewServer(ln, echoes, aio.MaxConns(1), aio.Refuse(func(net.Addr) []byte { return []byte("busy") }))
		served := task.Loop().Go(srv.Serve)
		var peers []*aio.Conn
		for _, want := range []string{"", "busy", "busy"} {
			c, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if peers = append(peers, c); want == "" {
				send(t, task, c, "x")
				if _, err := c.ReadFull(task, make([]byte, 1)); err != nil {
					t.Error(err)
				}
				continue
			}
			if got, err := io.ReadAll(c.Bind(task)); string(got) != want || err != nil {
				t.Errorf("one that is refused read %q, %v", got, err)
			}
		}
		if _, err := peers[0].Read(task, make([]byte, 1)); err != io.EOF {
			t.Errorf("the end of one that was idle: %v", err)
		}
		for _, c := range peers {
			_ = c.Close() // each is at its end
		}
		if _, err := srv.Shutdown(task); err != nil {
			t.Error(err)
		}
		_, _ = served.Await(task)
		quiet(t, task)
		if n := task.Loop().Stats().Timers; n != 0 {
			t.Errorf("%d timers are left", n)
		}
	})
}

// What a task reads and writes is logged, in whichever way it does that.
func TestTrafficOfTasksIsLogged(t *testing.T) {
	file := plainFile(t, "file")
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0", corolla.LogTraffic(log, corolla.AsText, 100))
		if err != nil {
			t.Fatal(err)
		}
		c, peer := oneOf(t, task, ln)
		for _, write := range []func() error{
			func() error { _, err := c.Write(task, []byte("one")); return err },
			func() error { return c.TryWrite([]byte("two")) },
			func() error { _, err := c.WriteBatch(task, [][]byte{[]byte("th"), []byte("ree")}); return err },
			func() error { _, err := c.SendFile(task, file, 0, 4); return err },
			func() error { _, err := c.SendFile(task, file, 1, -1); return err },
		} {
			if err := errors.Join(write(), c.Flush(task)); err != nil {
				t.Error(err)
			}
		}
		if _, err := peer.ReadFull(task, make([]byte, 18)); err != nil {
			t.Error(err)
		}
		arrives(t, task, peer, c, "y")
		if b, err := c.Receive(task); string(b) != "y" || err != nil {
			t.Errorf("received %q, %v", b, err)
		}
		_, _, _ = c.Abort(), peer.Abort(), ln.Close()
		for _, want := range []string{
			"msg=open", "data=one", "data=two", "data=three", "msg=write", "bytes=4\n", "bytes=3\n", "msg=read", "data=y",
			"msg=close", "read=1 written=18", "remote=" + c.RemoteAddr().String(), "local=" + c.LocalAddr().String(),
			"time=" + task.Loop().Time().Format("2006-01-02T15"),
		} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, &text)
			}
		}
	})
}
