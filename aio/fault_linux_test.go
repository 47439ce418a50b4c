package aio_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/transport"
)

// TestInterruptedCalls has every third call of a kind fail with EINTR, by a tracer, for that
// cannot be done above the host: it is the host that tries again. (Not connect, which the system
// goes on with after EINTR, and the tracer does not.)
func TestInterruptedCalls(t *testing.T) {
	if os.Getenv("COROLLA_TEST_TRACED") != "" {
		traced(t)
		return
	}
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	leaktest.Close(t, l)
	if out, err := exec.Command("strace", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "" {
			t.Error("continuous integration must install strace")
		}
		t.Skipf("no tracing here: %v %s", err, out)
	}
	for _, call := range []string{"read", "write", "writev", "accept4", "epoll_pwait", "recvmsg", "sendmsg", "splice", "sendfile"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			log := t.TempDir() + "/calls"
			cmd := exec.Command("strace", "-f", "-qq", "-o", log, "-e", "trace="+call, "-e", "inject="+call+":error=EINTR:when=2+3",
				os.Args[0], "-test.run", "^TestInterruptedCalls$")
			cmd.Env = append(os.Environ(), "COROLLA_TEST_TRACED=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if calls, err := os.ReadFile(log); err != nil || !bytes.Contains(calls, []byte("INJECTED")) {
				t.Errorf("no such call failed; %v\n%s", err, calls)
			}
		})
	}
}

// traced makes each of the calls several times.
func traced(t *testing.T) {
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		t.Fatal(err)
	}
	defer leaktest.Close(t, l)
	f := plainFile(t, "some text in a file, sent in parts")
	if err := l.Run(func(task *corolla.Task) error {
		for _, serve := range []func(*corolla.Loop) (string, io.Closer, error){taskServer, pushServer} {
			if err := session(task, serve); err != nil {
				return err
			}
		}
		for range 5 {
			if err := inOneWrite(task); err != nil {
				return err
			}
			if err := packetsAndTransfers(task, f); err != nil {
				return err
			}
		}
		quiet(t, task)
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// inOneWrite sends pieces together, and wants them back.
func inOneWrite(task *corolla.Task) error {
	addr, ln, err := taskServer(task.Loop())
	if err != nil {
		return err
	}
	defer ln.Close()
	back := &gatherer{all: corolla.NewFuture[string](task.Loop())}
	c, err := transport.Dial(task.Loop(), "tcp", addr, back).Await(task)
	if err != nil {
		return err
	}
	if err := c.WriteBatch([]byte("in "), []byte("one "), []byte("write")); err != nil {
		return err
	}
	c.CloseWrite()
	if got, err := back.all.Await(task); got != "in one write" || err != nil {
		return errors.Join(errors.New("what came back is "+got), err)
	}
	return nil
}

// gatherer keeps what comes until the end.
type gatherer struct {
	got string
	all *corolla.Future[string]
}

func (g *gatherer) Opened(*transport.Conn)           {}
func (g *gatherer) Data(_ *transport.Conn, b []byte) { g.got += string(b) }
func (g *gatherer) Closed(*transport.Conn, error)    { _ = g.all.Resolve(g.got) }

// packetsAndTransfers has a datagram echoed, and a file sent through a proxy.
func packetsAndTransfers(task *corolla.Task, f *os.File) error {
	l := task.Loop()
	a, err := aio.ListenPacket(l, "udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer a.Close()
	buf := make([]byte, 100)
	for range 3 {
		if err := a.WriteTo(task, []byte("to myself"), a.LocalAddr()); err != nil {
			return err
		}
		if n, _, err := a.ReadFrom(task, buf); err != nil || n != 9 {
			return errors.Join(errors.New("the datagram"), err)
		}
	}
	ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	l.Go(func(task *corolla.Task) error { // echoes by splicing a connection to itself
		c, err := ln.Accept(task)
		if err != nil {
			return err
		}
		_, err = c.SpliceTo(task, c)
		return errors.Join(err, c.Close())
	})
	c, err := aio.Dial(task, "tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	size := 0
	for off := int64(0); off < 30; off += 10 {
		n, err := c.SendFile(task, f, off, 10)
		if err != nil {
			return err
		}
		size += int(n)
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if _, err := c.ReadFull(task, buf[:size]); err != nil {
		return err
	}
	if string(buf[:size]) != "some text in a file, sent in p" {
		return errors.New("what came back is " + string(buf[:size]))
	}
	return nil
}
