package corolla_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

func TestPipe(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		r, w, err := l.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		run(t, l, func(task *corolla.Task) error {
			if _, err := w.TryWrite([]byte("hello")); err != nil {
				t.Error(err)
			}
			if got, err := readN(task, r, 5); string(got) != "hello" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			if _, err := w.TryRead(make([]byte, 1)); err != corolla.ErrWouldBlock {
				t.Errorf("reading the writing end: %v", err)
			}
			closeAll(t, r)
			if err := w.WaitReadable(task); err != nil {
				t.Error(err)
			}
			if _, err := w.TryRead(make([]byte, 1)); err != io.EOF {
				t.Errorf("reading the writing end when nobody reads: %v", err)
			}
			closeAll(t, w)
			return nil
		})
	})
}

// relay has a task write text to in and end it, and read it from out again.
func relay(t *testing.T, task *corolla.Task, in, out *corolla.Socket, text string) {
	t.Helper()
	writer := task.Loop().Go(func(task *corolla.Task) error {
		for rest := []byte(text); len(rest) > 0; {
			n, err := in.TryWrite(rest)
			rest = rest[n:]
			if err == corolla.ErrWouldBlock {
				err = in.WaitWritable(task)
			}
			if err != nil {
				return err
			}
		}
		return in.CloseWrite()
	})
	got, err := readN(task, out, len(text))
	if string(got) != text || err != nil {
		t.Errorf("%d bytes of %d came through, %v", len(got), len(text), err)
	}
	if _, err := writer.Await(task); err != nil {
		t.Error(err)
	}
}

func TestSplice(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		client, a := socketPair(t, l)
		b, server := socketPair(t, l)
		text := strings.Repeat("through the system alone ", 50_000)
		run(t, l, func(task *corolla.Task) error {
			f := a.SpliceTo(b)
			relay(t, task, client, server, text)
			n, err := f.Await(task)
			if n != int64(len(text)) || err != nil {
				t.Errorf("Splice: %d, %v", n, err)
			}
			closeAll(t, client, a, b, server)
			return nil
		})
	})
}

func TestSpliceEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(f *corolla.Transfer, a, b, client, server *corolla.Socket)
		op   string
		is   error
	}{
		{"canceled", func(f *corolla.Transfer, _, _, _, _ *corolla.Socket) { f.Cancel(nil) }, "", corolla.ErrCanceled},
		{"source closed", func(_ *corolla.Transfer, a, _, _, _ *corolla.Socket) { a.Close() }, "read", net.ErrClosed},
		{"source reset", func(_ *corolla.Transfer, _, _, client, _ *corolla.Socket) { client.Reset() }, "read", syscall.ECONNRESET},
		{"destination closed", func(_ *corolla.Transfer, _, b, client, _ *corolla.Socket) {
			b.Close()
			client.TryWrite([]byte("x"))
		}, "write", net.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
				client, a := socketPair(t, l)
				b, server := socketPair(t, l)
				run(t, l, func(task *corolla.Task) error {
					f := a.SpliceTo(b)
					if err := task.Yield(); err != nil {
						return err
					}
					c.end(f, a, b, client, server)
					_, err := f.Await(task)
					var moved *corolla.TransferError
					if !errors.Is(err, c.is) || c.op != "" && !errors.As(err, &moved) {
						t.Errorf("error %v, want %v", err, c.is)
					}
					var op *net.OpError
					if c.op != "" && (!errors.As(err, &op) || op.Op != c.op) {
						t.Errorf("error %v, want an operation %q", err, c.op)
					}
					for _, s := range []*corolla.Socket{client, a, b, server} {
						_ = s.Close()
					}
					return nil
				})
			})
		})
	}
}

func TestSendFile(t *testing.T) {
	text := strings.Repeat("in a file ", 30_000)
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		a, b := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			for _, c := range []struct {
				off, n int64
				want   string
			}{
				{0, -1, text},
				{100_000, 100_000, text[100_000:200_000]},
				{int64(len(text)) - 5, 100, text[len(text)-5:]},
				{int64(len(text)) + 5, -1, ""},
				{7, 0, ""},
			} {
				sent := a.SendFile(f, c.off, c.n)
				got, err := readN(task, b, len(c.want))
				if string(got) != c.want || err != nil {
					t.Errorf("from %d: got %d bytes, %v", c.off, len(got), err)
				}
				if n, err := sent.Await(task); int(n) != len(c.want) || err != nil {
					t.Errorf("from %d: sent %d, %v", c.off, n, err)
				}
			}
			closeAll(t, a, b)
			if _, err := a.SendFile(f, 0, -1).Await(task); !errors.Is(err, net.ErrClosed) {
				t.Errorf("on a closed socket: %v", err)
			}
			return nil
		})
	})
}

// A transfer that was canceled leaves nothing behind that keeps others from the socket.
func TestCanceledTransferLeavesTheSocketFree(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		client, a := socketPair(t, l)
		b, server := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			for range 2 {
				splice, send := a.SpliceTo(b), a.SendFile(f, 0, -1)
				if again := a.SpliceTo(b); !again.Done() {
					t.Error("two transfers to one socket")
				} else if _, err := again.Result(); !errors.Is(err, corolla.ErrBusy) {
					t.Errorf("a second transfer: %v", err)
				}
				if err := task.Sleep(10 * ms); err != nil {
					return err
				}
				splice.Cancel(nil)
				send.Cancel(nil)
				if _, err := splice.Await(task); !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("splice: %v", err)
				}
				if _, err := send.Await(task); !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("send: %v", err)
				}
			}
			if _, err := client.TryWrite([]byte("x")); err != nil {
				return err
			}
			if got, err := readN(task, a, 1); string(got) != "x" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			for _, s := range []*corolla.Socket{client, a, b, server} {
				closeAll(t, s)
			}
			return nil
		})
	})
}

func TestSpliceEndsWithItsDestinationAndWithTheLoop(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		client, a := socketPair(t, l)
		b, server := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			f := a.SpliceTo(b)
			if err := task.Yield(); err != nil {
				return err
			}
			closeAll(t, b) // nothing arrives at a
			if _, err := f.Await(task); !errors.Is(err, net.ErrClosed) {
				t.Errorf("its destination was closed: %v", err)
			}
			a.SpliceTo(server) // the loop is closed meanwhile, and no descriptor may be left
			return task.Yield()
		})
		_, _ = client, server
	})
}

func TestFilesThatCannotBeSent(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	written, err := os.Create(filepath.Join(t.TempDir(), "w"))
	if err != nil {
		t.Fatal(err)
	}
	written.Close()
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			for _, f := range []*os.File{dir, written} {
				var of *os.PathError
				if _, err := a.SendFile(f, 0, 10).Await(task); !errors.As(err, &of) || of.Path != f.Name() {
					t.Errorf("%s: %v", f.Name(), err)
				}
			}
			if n, err := a.SendFile(nil, 0, 10).Await(task); n != 0 || !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "the *os.File is nil") {
				t.Errorf("nil: %d, %v", n, err)
			}
			if _, err := corolla.ReadAt(l, nil, nil, 0).Await(task); !errors.Is(err, os.ErrInvalid) {
				t.Errorf("ReadAt of nil: %v", err)
			}
			if _, err := a.TryWriteFiles([]byte("x"), dir); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("files passed over TCP: %v", err)
			}
			closeAll(t, a, b)
			return nil
		})
	})
}

// loopback returns the interface of this machine alone, whatever it is called.
func loopback(t *testing.T) *net.Interface {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return &i
		}
	}
	t.Fatal("no loopback interface")
	return nil
}

func TestMulticast(t *testing.T) {
	group := net.IPv4(239, 255, 77, 77)
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		loopback := loopback(t)
		open := func() *corolla.Socket {
			s, err := l.OpenPacket(&net.UDPAddr{IP: group, Port: 20777}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.JoinGroup(group, loopback); err != nil {
				t.Fatal(err)
			}
			return s
		}
		a, b := open(), open()
		from, err := l.OpenPacket(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		run(t, l, func(task *corolla.Task) error {
			if err := from.TryWriteTo([]byte("all"), a.LocalAddr()); err != nil {
				return err
			}
			for _, s := range []*corolla.Socket{a, b} {
				if err := s.WaitReadable(task); err != nil {
					return err
				}
				buf := make([]byte, 10)
				if n, _, _, err := s.TryReadFrom(buf); string(buf[:n]) != "all" || err != nil {
					t.Errorf("a member got %q, %v", buf[:n], err)
				}
			}
			if err := a.LeaveGroup(group, loopback); err != nil {
				t.Error(err)
			}
			if err := a.LeaveGroup(group, loopback); err == nil {
				t.Error("left twice")
			}
			if err := a.JoinGroup(net.IPv4(10, 0, 0, 1), nil); err == nil || !strings.Contains(err.Error(), "10.0.0.1") {
				t.Errorf("joined what is no group: %v", err)
			}
			closeAll(t, a, b, from)
			return nil
		})
	})
}

func TestSocketOptions(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0", corolla.ReusePort(), corolla.Backlog(10))
			if err != nil {
				return err
			}
			addr := ln.LocalAddr().String()
			second, err := l.Listen("tcp", addr, corolla.ReusePort())
			if err != nil {
				t.Errorf("a second listener: %v", err)
			} else {
				closeAll(t, second)
			}
			if _, err := l.Listen("tcp", addr); err == nil {
				t.Error("a listener that does not share")
			}
			c, err := l.Dial(
				"tcp", addr, corolla.LocalAddr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}),
				corolla.KeepAlive(time.Minute), corolla.NoDelay(false), corolla.ReadBuffer(1<<16), corolla.WriteBuffer(1<<16),
			).Await(task)
			if err != nil {
				return err
			}
			if local := c.LocalAddr().(*net.TCPAddr); !local.IP.Equal(net.IPv4(127, 0, 0, 9)) || local.Port == 0 {
				t.Errorf("dialed from %v", local)
			}
			closeAll(t, ln, c)
			for _, bad := range []corolla.SocketOption{corolla.Backlog(0), corolla.ReadBuffer(-1), corolla.WriteBuffer(0)} {
				if _, err := l.Listen("tcp", "127.0.0.1:0", bad); err == nil || !strings.Contains(err.Error(), "at least 1") {
					t.Errorf("a bad option: %v", err)
				}
				if _, err := l.Dial("tcp", addr, bad).Await(task); err == nil || !strings.Contains(err.Error(), "at least 1") {
					t.Errorf("a bad option: %v", err)
				}
			}
			return nil
		})
	})
}
