package aio_test

import (
	"crypto/tls"
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
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// sendParts sends a file between other things, and wants it in its place.
func sendParts(t *testing.T, task *corolla.Task, a, b *aio.Conn, f *os.File, text string) {
	t.Helper()
	sender := task.Loop().Go(func(task *corolla.Task) error {
		send(t, task, a, "head ")
		if n, err := a.SendFile(task, f, 0, -1); n != int64(len(text)) || err != nil {
			t.Errorf("SendFile = %d, %v", n, err)
		}
		send(t, task, a, " middle ")
		if n, err := a.SendFile(task, f, int64(len(text))-5, 3); n != 3 || err != nil {
			t.Errorf("SendFile of 3 bytes = %d, %v", n, err)
		}
		if n, err := a.SendFile(task, f, int64(len(text)), 3); n != 0 || err != nil {
			t.Errorf("SendFile behind the end = %d, %v", n, err)
		}
		if n, err := a.SendFile(task, nil, 0, -1); n != 0 || err == nil || !strings.Contains(err.Error(), "the *os.File is nil") {
			t.Errorf("SendFile of nil = %d, %v", n, err)
		}
		send(t, task, a, " tail")
		return a.CloseWrite()
	})
	got, err := io.ReadAll(b.Bind(task))
	want := "head " + text + " middle " + text[len(text)-5:len(text)-2] + " tail"
	if string(got) != want || err != nil {
		t.Errorf("received %d bytes, want %d; %v", len(got), len(want), err)
	}
	if _, err := sender.Await(task); err != nil {
		t.Error(err)
	}
}

func TestSendFile(t *testing.T) {
	text := strings.Repeat("0123456789", 40_000)
	f := plainFile(t, text)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) { sendParts(t, task, a, b, f, text) })
}

func TestSendFileThroughTLS(t *testing.T) {
	text := strings.Repeat("0123456789", 40_000)
	f := plainFile(t, text)
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		dial := corolla.Go(l, func(task *corolla.Task) (*aio.Conn, error) {
			return aio.DialTLS(task, "tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
		})
		b, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if n, err := b.Read(task, nil); n != 0 || err != nil { // does the handshake
			t.Errorf("handshake: %v", err)
		}
		a, err := dial.Await(task)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		sendParts(t, task, a, b, f, text)
		if err := a.WriteFiles(task, []byte("x"), f); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("WriteFiles through TLS: %v", err)
		}
		if _, _, err := a.Detach(task); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Detach with TLS: %v", err)
		}
	})
}

func TestSendFileEnds(t *testing.T) {
	f := plainFile(t, strings.Repeat("x", stuffing))
	for name, c := range map[string]struct {
		end func(task *corolla.Task, a, b *aio.Conn)
		is  error
	}{
		"closed":   {func(_ *corolla.Task, a, _ *aio.Conn) { _ = a.Close() }, net.ErrClosed},
		"deadline": {func(task *corolla.Task, a, _ *aio.Conn) { _ = a.SetWriteDeadline(task.Loop().Time()) }, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				sender := task.Loop().Go(func(task *corolla.Task) error {
					_, err := a.SendFile(task, f, 0, -1)
					return err
				})
				for range 3 { // until it waits for b, who does not read
					if err := task.Sleep(10 * time.Millisecond); err != nil {
						t.Fatal(err)
					}
				}
				second := task.Loop().Go(func(task *corolla.Task) error {
					_, err := a.Write(task, []byte("x"))
					return err
				}, corolla.Eager())
				if err := a.TryWrite([]byte("x")); err != corolla.ErrWouldBlock {
					t.Errorf("TryWrite during SendFile: %v", err)
				}
				c.end(task, a, b)
				for what, f := range map[string]*corolla.Future[struct{}]{"SendFile": sender, "the Write behind it": second} {
					if _, err := f.Await(task); !errors.Is(err, c.is) {
						t.Errorf("%s: %v, want %v", what, err, c.is)
					}
				}
			})
		})
	}
}

// proxied runs test with the two ends of a connection through a proxy, which splices.
func proxied(t *testing.T, test func(t *testing.T, task *corolla.Task, client, server *aio.Conn)) {
	connected(t, func(t *testing.T, task *corolla.Task, client, in *aio.Conn) {
		l := task.Loop()
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		proxy := l.Go(func(task *corolla.Task) error {
			out, err := aio.Dial(task, "tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			defer out.Close()
			return task.Group(func(g *corolla.Group) error {
				for _, way := range [][2]*aio.Conn{{out, in}, {in, out}} {
					g.Go(func(task *corolla.Task) error {
						_, err := way[1].SpliceTo(task, way[0])
						return errors.Join(err, way[0].CloseWrite())
					})
				}
				return nil
			})
		})
		server, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
		test(t, task, client, server)
		_, _ = client.Close(), server.Close()
		if _, err := proxy.Await(task); err != nil {
			t.Errorf("proxy: %v", err)
		}
	})
}

func TestSpliceBothWays(t *testing.T) {
	proxied(t, func(t *testing.T, task *corolla.Task, client, server *aio.Conn) {
		text := strings.Repeat("there and back again ", 50_000)
		echo := task.Loop().Go(func(task *corolla.Task) error {
			_, err := io.Copy(server.Bind(task), server.Bind(task))
			return errors.Join(err, server.CloseWrite())
		})
		sender := task.Loop().Go(func(task *corolla.Task) error {
			send(t, task, client, text)
			return client.CloseWrite()
		})
		got, err := io.ReadAll(client.Bind(task))
		if string(got) != text || err != nil {
			t.Errorf("%d bytes of %d came back, %v", len(got), len(text), err)
		}
		for _, f := range []*corolla.Future[struct{}]{echo, sender} {
			if _, err := f.Await(task); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPassFilesAndDetach(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "unix", filepath.Join(t.TempDir(), "s"))
		if err != nil {
			return err
		}
		defer ln.Close()
		a, err := aio.Dial(task, "unix", ln.Addr().String())
		if err != nil {
			return err
		}
		b, err := ln.Accept(task)
		if err != nil {
			return err
		}
		f := plainFile(t, "in the file")
		send(t, task, a, "before ")
		if err := a.WriteFiles(task, []byte("with"), f); err != nil {
			t.Error(err)
		}
		send(t, task, a, " after\nunread")
		var said []byte
		var files []*os.File
		for buf := make([]byte, 100); len(said) < 24; {
			n, more, err := b.ReadFiles(task, buf)
			if err != nil {
				t.Fatal(err)
			}
			said, files = append(said, buf[:n]...), append(files, more...)
		}
		if string(said) != "before with after\nunread" || len(files) != 1 {
			t.Fatalf("received %q and %d files", said, len(files))
		}
		if text, err := io.ReadAll(files[0]); string(text) != "in the file" || err != nil {
			t.Errorf("in the file: %q, %v", text, err)
		}
		_ = files[0].Close()
		// Hand one over to Go's net, with what was not read.
		send(t, task, a, "line\nrest")
		if line, err := b.ReadUntil(task, []byte("\n")); string(line) != "line\n" || err != nil {
			t.Errorf("line %q, %v", line, err)
		}
		out, rest, err := b.Detach(task)
		if err != nil {
			return err
		}
		defer out.Close()
		theirs, err := net.FileConn(out)
		if err != nil {
			return err
		}
		if string(rest) != "rest" {
			t.Errorf("not read: %q", rest)
		}
		if _, err := theirs.Write([]byte("from net")); err != nil {
			t.Error(err)
		}
		buf := make([]byte, 8)
		if _, err := a.ReadFull(task, buf); string(buf) != "from net" || err != nil {
			t.Errorf("read %q, %v", buf, err)
		}
		if _, err := b.Read(task, buf); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Detach: %v", err)
		}
		return errors.Join(theirs.Close(), a.Close())
	}); err != nil {
		t.Error(err)
	}
}

// The errors of a splice name the side that has failed, and t's own cancel comes first.
func TestSpliceErrors(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(task *corolla.Task, src, dst *aio.Conn)
		end   func(task *corolla.Task, src, dst, client, server *aio.Conn)
		is    error
		op    string
	}{
		"read deadline": {nil, func(task *corolla.Task, src, _, _, _ *aio.Conn) {
			_ = src.SetReadDeadline(task.Loop().Time())
		}, os.ErrDeadlineExceeded, "read"},
		"read deadline before": {func(task *corolla.Task, src, _ *aio.Conn) {
			_ = src.SetReadDeadline(task.Loop().Time())
		}, nil, os.ErrDeadlineExceeded, "read"},
		"write deadline": {nil, func(task *corolla.Task, _, dst, _, _ *aio.Conn) {
			_ = dst.SetWriteDeadline(task.Loop().Time())
		}, os.ErrDeadlineExceeded, "write"},
		"source closed":      {nil, func(_ *corolla.Task, src, _, _, _ *aio.Conn) { _ = src.Close() }, net.ErrClosed, "read"},
		"destination closed": {nil, func(_ *corolla.Task, _, dst, _, _ *aio.Conn) { _ = dst.Close() }, net.ErrClosed, "write"},
		"source reset":       {nil, func(_ *corolla.Task, _, _, client, _ *aio.Conn) { _ = client.Abort() }, syscall.ECONNRESET, "read"},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, client, src *aio.Conn) {
				ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				dial := corolla.Go(task.Loop(), func(task *corolla.Task) (*aio.Conn, error) {
					return aio.Dial(task, "tcp", ln.Addr().String())
				})
				server, err := ln.Accept(task)
				if err != nil {
					t.Fatal(err)
				}
				dst, err := dial.Await(task)
				if err != nil {
					t.Fatal(err)
				}
				_ = ln.Close()
				if c.begin != nil {
					c.begin(task, src, dst)
				}
				splice := task.Loop().Go(func(task *corolla.Task) error {
					_, err := src.SpliceTo(task, dst)
					return err
				})
				if err := task.Sleep(time.Millisecond); err != nil {
					t.Fatal(err)
				}
				if c.end != nil {
					c.end(task, src, dst, client, server)
				}
				_, err = splice.Await(task)
				var op *net.OpError
				if !errors.Is(err, c.is) || !errors.As(err, &op) || op.Op != c.op {
					t.Errorf("Splice: %v, want %s and %v", err, c.op, c.is)
				}
				if c.op == "read" && c.is == os.ErrDeadlineExceeded { // the connection is free again
					_ = src.SetReadDeadline(time.Time{})
					send(t, task, client, "x")
					if _, err := src.ReadFull(task, make([]byte, 1)); err != nil {
						t.Errorf("reading afterwards: %v", err)
					}
				}
				_, _ = dst.Abort(), server.Abort()
			})
		})
	}
}

func TestSendFileWithTLSWhenClosed(t *testing.T) {
	ca, cert := newCA(t)
	f := plainFile(t, strings.Repeat("x", 1000))
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		tlsPair(t, task, ca, cert, a, b)
		_ = a.SetWriteDeadline(task.Loop().Time().Add(-time.Second))
		if n, err := a.SendFile(task, f, 0, -1); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("SendFile past its deadline = %d, %v", n, err)
		}
		_ = a.SetWriteDeadline(time.Time{})
		_ = b.CloseWrite()
		if _, err := b.Write(task, []byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after CloseWrite: %v", err)
		}
		_ = a.Close()
		if n, err := a.SendFile(task, f, 0, -1); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SendFile after Close = %d, %v", n, err)
		}
	})
}
