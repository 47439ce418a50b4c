package transport_test

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
	"github.com/corolla-go/corolla/transport"
)

func plainFile(t *testing.T, text string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestSendFileInItsPlace(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	f := plainFile(t, text)
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "TLS"}[secure], func(t *testing.T) {
			onTLSHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				l := task.Loop()
				var results []*corolla.Future[int64]
				var nothing *corolla.Future[int64]
				server := &recorder{}
				server.onOpen = func(c *transport.Conn) {
					_ = c.Write([]byte("head "))
					results = append(results, c.SendFile(f, 0, -1))
					_ = c.Write([]byte(" middle "))
					results = append(results, c.SendFile(f, 3, 4), c.SendFile(f, int64(len(text)), -1))
					nothing = c.SendFile(nil, 0, -1)
					_ = c.Write([]byte(" tail"))
					c.Close()
					results = append(results, c.SendFile(f, 0, -1))
				}
				build := func() transport.Protocol { return server }
				cfg := &tls.Config{RootCAs: ca.Pool}
				var srv *transport.Server
				var a *aio.Conn
				var err error
				if secure {
					srv, err = transport.ServeTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}, build)
				} else {
					srv, err = transport.Serve(l, "tcp", "127.0.0.1:0", build)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				if secure {
					a, err = aio.DialTLS(task, "tcp", srv.Addr().String(), cfg)
				} else {
					a, err = aio.Dial(task, "tcp", srv.Addr().String())
				}
				if err != nil {
					t.Fatal(err)
				}
				defer a.Close()
				got, err := readAll(t, task, a)
				if want := "head " + text + " middle 3456 tail"; got != want || err != io.EOF {
					t.Errorf("received %d bytes, want %d; %v", len(got), len(want), err)
				}
				if err := server.wait(t, task); err != nil {
					t.Errorf("closed with %v", err)
				}
				for i, want := range []int64{int64(len(text)), 4, 0} {
					if n, err := results[i].Await(task); n != want || err != nil {
						t.Errorf("file %d: %d, %v", i, n, err)
					}
				}
				if _, err := results[3].Await(task); !errors.Is(err, net.ErrClosed) {
					t.Errorf("after Close: %v", err)
				}
				if _, err := nothing.Await(task); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "the *os.File is nil") {
					t.Errorf("file nil: %v", err)
				}
			})
		})
	}
}

func TestSendFileOfAConnectionThatIsLost(t *testing.T) {
	f := plainFile(t, strings.Repeat("x", stuffing))
	onTLSHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		server := &recorder{}
		var results []*corolla.Future[int64]
		server.onOpen = func(c *transport.Conn) {
			results = append(results, c.SendFile(f, 0, -1), c.SendFile(f, 0, -1), c.SendFile(f, 0, -1))
			results[2].Cancel(nil)
		}
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol { return server }, transport.Options(smallBuffers...))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		a, err := aio.Dial(task, "tcp", srv.Addr().String(), smallBuffers...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(task, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		server.conn.Abort()
		for i, is := range []error{net.ErrClosed, net.ErrClosed, corolla.ErrCanceled} {
			if _, err := results[i].Await(task); !errors.Is(err, is) {
				t.Errorf("file %d: %v", i, err)
			}
		}
		if err := server.wait(t, task); err != transport.ErrAborted {
			t.Errorf("Closed got %v", err)
		}
		_ = a.Abort()
	})
}

// relay is one side of a proxy, which splices once it knows the other.
type relay struct {
	recorder
	other *transport.Conn
}

func (r *relay) EOF(*transport.Conn) bool { r.say("eof"); return true }

func (r *relay) join(t *testing.T, other *transport.Conn) {
	r.other = other
	r.conn.SpliceTo(other).OnDone(func(f *corolla.Future[int64]) {
		if _, err := f.Result(); err != nil {
			t.Errorf("splice: %v", err)
		}
		other.CloseWrite()
	})
}

func TestSpliceTo(t *testing.T) {
	onTLSHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		back, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		in, out := &relay{}, &relay{}
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func() transport.Protocol { return in })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		client, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := transport.Dial(l, "tcp", back.Addr().String(), out).Await(task); err != nil {
			t.Fatal(err)
		}
		server, err := back.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		until(t, task, func() bool { return in.conn != nil })
		_ = out.conn.Write([]byte("preface "))
		in.join(t, out.conn)
		out.join(t, in.conn)
		if _, err := in.conn.SpliceTo(out.conn).Await(task); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("spliced twice: %v", err)
		}
		echo := l.Go(func(task *corolla.Task) error {
			_, err := io.Copy(server.Bind(task), server.Bind(task))
			return errors.Join(err, server.CloseWrite())
		})
		text := strings.Repeat("round and round ", 100_000)
		sender := l.Go(func(task *corolla.Task) error {
			_, err := client.Write(task, []byte(text))
			return errors.Join(err, client.CloseWrite())
		})
		got, err := readAll(t, task, client)
		if got != "preface "+text && got != text || err != io.EOF {
			t.Errorf("%d bytes came back of %d, %v", len(got), len(text), err)
		}
		for _, f := range []*corolla.Future[struct{}]{echo, sender} {
			if _, err := f.Await(task); err != nil {
				t.Error(err)
			}
		}
		for _, r := range []*relay{in, out} {
			if err := r.wait(t, task); err != nil || r.String() != "opened eof closed" {
				t.Errorf("a side was told %q, %v", r, err)
			}
		}
	})
}

func TestSpliceToOneThatIsLost(t *testing.T) {
	onTLSHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		var sides []*relay
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func() transport.Protocol {
			sides = append(sides, &relay{})
			return sides[len(sides)-1]
		})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		dial := func() *aio.Conn {
			c, err := aio.Dial(task, "tcp", srv.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		a, b := dial(), dial()
		until(t, task, func() bool { return len(sides) == 2 && sides[1].conn != nil && sides[0].conn != nil })
		f := sides[0].conn.SpliceTo(sides[1].conn)
		sides[1].conn.Abort()
		mustWrite(t, task, a, "x")
		if _, err := f.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("to one that was aborted: %v", err)
		}
		// The source goes on, for its protocol.
		mustWrite(t, task, a, "y")
		until(t, task, func() bool { return strings.Contains(sides[0].String(), "data") })
		_, _ = a.Close(), b.Close()
		sides[0].conn.Close()
		if err := sides[0].wait(t, task); err != nil {
			t.Error(err)
		}
	})
}

// getter takes files.
type getter struct {
	recorder
	files []*os.File
	text  string
}

func (g *getter) Files(_ *transport.Conn, b []byte, files []*os.File) {
	g.text += string(b)
	g.files = append(g.files, files...)
}

func TestPassFilesInPushStyle(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		server := &getter{}
		srv, err := transport.Serve(l, "unix", filepath.Join(t.TempDir(), "s"), func() transport.Protocol { return server })
		if err != nil {
			return err
		}
		defer srv.Close()
		client := &recorder{}
		c, err := transport.Dial(l, "unix", srv.Addr().String(), client).Await(task)
		if err != nil {
			return err
		}
		f := plainFile(t, "in the file")
		_ = c.Write([]byte("before "))
		sent := c.WriteFiles([]byte("with"), f)
		_ = c.Write([]byte(" after"))
		if n, err := sent.Await(task); n != 4 || err != nil {
			t.Errorf("WriteFiles = %d, %v", n, err)
		}
		until(t, task, func() bool { return server.text == "before with after" })
		if len(server.files) != 1 {
			t.Fatalf("%d files came", len(server.files))
		}
		if text, err := io.ReadAll(server.files[0]); string(text) != "in the file" || err != nil {
			t.Errorf("in the file: %q, %v", text, err)
		}
		_ = server.files[0].Close()
		if cred, err := server.conn.Socket().PeerCredentials(); cred.PID != os.Getpid() || err != nil {
			t.Errorf("credentials %+v, %v", cred, err)
		}
		if _, err := c.WriteFiles(nil, f).Await(task); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("files without a byte: %v", err)
		}
		if _, err := c.WriteFiles([]byte("x"), make([]syscall.Conn, 300)...).Await(task); err == nil || !strings.Contains(err.Error(), "pass 300 files: at most 253") {
			t.Errorf("too many files: %v", err)
		}
		if err := c.Write([]byte(" the end")); err != nil { // it is not the connection's fault
			t.Errorf("Write after too many files: %v", err)
		}
		until(t, task, func() bool { return server.text == "before with after the end" })
		c.Close()
		_ = client.wait(t, task)
		if _, err := c.WriteFiles([]byte("x"), f).Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		return server.wait(t, task)
	}); err != nil {
		t.Error(err)
	}
}

func TestDeadlineCutsSlowLoris(t *testing.T) {
	serve(t, &recorder{onOpen: func(c *transport.Conn) {
		c.SetIdleTimeout(time.Hour)
		c.SetTimeout(time.Hour)
		c.SetTimeout(50 * time.Millisecond)
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		loris := task.Loop().Go(func(task *corolla.Task) error {
			for {
				if _, err := client.Write(task, []byte("x")); err != nil {
					return err
				}
				if err := task.Sleep(time.Millisecond); err != nil {
					return err
				}
			}
		})
		if err := ended(t, task); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("closed with %v", err)
		}
		wantSaid(t, "opened data closed")
		loris.Cancel(nil)
		_, _ = loris.Await(task)
	})
}
