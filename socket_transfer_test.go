package corolla_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// plainFile returns an open file with text in it, which is closed at the end of the test.
func plainFile(t *testing.T, text []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
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
		{"destination reset", func(_ *corolla.Transfer, _, _, client, server *corolla.Socket) {
			server.Reset()
			client.TryWrite([]byte("x"))
		}, "write", syscall.ECONNRESET},
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
					if !errors.Is(err, c.is) || !errors.As(err, &moved) {
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
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		f := plainFile(t, []byte(text))
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
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		f := plainFile(t, make([]byte, 16<<20))
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
			if _, err := a.TrySendFile(nil, 0, 10); !errors.Is(err, os.ErrInvalid) {
				t.Errorf("TrySendFile of nil: %v", err)
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

// A transfer that is refused because there is one already holds nothing, and does not disturb the
// other.
func TestTransferToASocketThatHasOne(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		c, d := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			first := a.SpliceTo(c)
			before := l.Stats()
			for _, second := range []*corolla.Transfer{b.SpliceTo(c), c.SendFile(os.Stdin, 0, 1)} {
				if _, err := second.Await(task); !errors.Is(err, corolla.ErrBusy) {
					t.Errorf("a second transfer: %v", err)
				}
				second.Cancel(nil) // which is too late
			}
			if after := l.Stats(); after != before {
				t.Errorf("left on the loop: %+v, before %+v", after, before)
			}
			if _, err := b.TryWrite([]byte("goes on")); err != nil {
				return err
			}
			if got, err := readN(task, d, 7); string(got) != "goes on" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			first.Cancel(nil)
			_, err := first.Await(task)
			if !errors.Is(err, corolla.ErrCanceled) || first.Moved() != 7 {
				t.Errorf("canceled: %v after %d bytes", err, first.Moved())
			}
			if after := l.Stats(); after.Waits != 0 || after.Sockets != before.Sockets-2 {
				t.Errorf("left on the loop: %+v, before %+v", after, before)
			}
			return nil
		})
		closeAll(t, a, b, c, d)
	})
}

// A long transfer lets others run, and arrives whole at whatever place of the file it begins.
func TestLongSendFileLetsOthersRun(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		const size, from = 3 << 20, 1000
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7 >> 3)
		}
		f := plainFile(t, data)
		a, b := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			for _, n := range []int64{-1, size - from - 5} {
				want := int(n)
				if n < 0 {
					want = size - from
				}
				x := a.SendFile(f, from, n)
				got, err := readN(task, b, want)
				if err != nil {
					return err
				}
				if sent, err := x.Await(task); sent != int64(want) || x.Moved() != sent || err != nil {
					t.Errorf("SendFile = %d, %v, moved %d, want %d", sent, err, x.Moved(), want)
				}
				if string(got) != string(data[from:from+want]) {
					t.Error("not what the file has")
				}
			}
			return nil
		})
		closeAll(t, a, b)
	})
}

// noPipes is a machine without descriptors for a pipe.
type noPipes struct{ host.Host }

func (noPipes) OpenPipe() (host.FD, host.FD, error) { return 0, 0, syscall.EMFILE }

// A Splice that cannot begin does not free the socket for others while a transfer to it goes on.
func TestSpliceThatCannotBeginLeavesAnotherAlone(t *testing.T) {
	l := sim.New(1, sim.Buffer(1000)).NewLoop(hosttest.Between(func(h host.Host) host.Host { return noPipes{h} }))
	other := sim.New(2).NewLoop()
	a, b := socketPair(t, l)
	far, near := socketPair(t, other)
	run(t, l, func(task *corolla.Task) error {
		f := plainFile(t, make([]byte, 2000))
		first := a.SendFile(f, 0, 2000) // for which there is no room yet
		if _, err := b.SpliceTo(a).Await(task); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("a Splice without a pipe: %v", err)
		}
		var begun *corolla.TransferError
		if _, err := a.SendFile(f, 0, 1).Await(task); !errors.Is(err, corolla.ErrBusy) || errors.As(err, &begun) {
			t.Errorf("a second transfer: %v", err)
		}
		if _, err := b.SpliceTo(far).Await(task); err == nil || !strings.Contains(err.Error(), "splice to a socket of another loop") {
			t.Errorf("to another loop: %v", err)
		}
		closeAll(t, a)
		if _, err := first.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a transfer to a socket that is closed: %v", err)
		}
		return nil
	})
	closeAll(t, b, far, near)
	leaktest.Close(t, l)
	leaktest.Close(t, other)
}

// A transfer that is canceled between two stretches, while others have their turn, sends no more.
func TestTransferCanceledBetweenItsSteps(t *testing.T) {
	l := sim.New(1, sim.Buffer(4<<20), sim.Whole()).NewLoop()
	a, b := socketPair(t, l)
	f := plainFile(t, make([]byte, 2<<20))
	run(t, l, func(task *corolla.Task) error {
		x := a.SendFile(f, 0, -1)
		moved := x.Moved()
		if moved == 0 || moved == 2<<20 {
			t.Fatalf("the first stretch took %d bytes", moved)
		}
		x.Cancel(nil)
		if err := turns(task, 5); err != nil {
			return err
		}
		var te *corolla.TransferError
		if _, err := x.Await(task); !errors.As(err, &te) || te.Moved != moved || x.Moved() != moved {
			t.Errorf("canceled after %d bytes: %v, moved %d", moved, err, x.Moved())
		}
		if _, err := readN(task, b, int(moved)); err != nil {
			return err
		}
		if err := task.Sleep(100 * ms); err != nil {
			return err
		}
		if _, err := b.TryRead(make([]byte, 1)); err != corolla.ErrWouldBlock {
			t.Errorf("behind what was sent: %v", err)
		}
		return nil
	})
	closeAll(t, a, b)
	leaktest.Close(t, l)
}
