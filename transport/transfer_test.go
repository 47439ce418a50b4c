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

func TestSendFileInItsPlace(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	f := plainFile(t, text)
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "TLS"}[secure], func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
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
				build := func(*transport.Conn) transport.Protocol { return server }
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
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		server := &recorder{}
		var results []*corolla.Future[int64]
		server.onOpen = func(c *transport.Conn) {
			results = append(results, c.SendFile(f, 0, -1), c.SendFile(f, 0, -1), c.SendFile(f, 0, -1))
			results[2].Cancel(nil)
		}
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return server }, transport.Options(smallBuffers...))
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
		srv, err := transport.Serve(l, "unix", filepath.Join(t.TempDir(), "s"), func(*transport.Conn) transport.Protocol { return server })
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

func TestSendFileThroughTLSOfAConnectionThatEnds(t *testing.T) {
	f := plainFile(t, strings.Repeat("x", stuffing))
	for name, c := range map[string]struct {
		end func(c *transport.Conn, peer *aio.Conn)
		is  error // for Closed
	}{
		"by time":           {func(c *transport.Conn, _ *aio.Conn) { c.SetTimeout(time.Millisecond) }, os.ErrDeadlineExceeded},
		"aborted":           {func(c *transport.Conn, _ *aio.Conn) { c.Abort() }, transport.ErrAborted},
		"closed, aborted":   {func(c *transport.Conn, _ *aio.Conn) { c.Close(); c.Abort() }, transport.ErrAborted},
		"closed, then lost": {func(c *transport.Conn, peer *aio.Conn) { c.Close(); _ = peer.Abort() }, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				p := &keeper{}
				a := tlsPair(t, task, p)
				until(t, task, func() bool { return p.conn != nil })
				first, second := p.conn.SendFile(f, 0, -1), p.conn.SendFile(f, 0, -1)
				pause(t, task, 20*time.Millisecond)
				c.end(p.conn, a)
				lost := func(err error) bool { // by the peer
					return c.is == syscall.ECONNRESET && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
				}
				if _, err := settled(t, task, first); !errors.Is(err, net.ErrClosed) && !lost(err) {
					t.Errorf("of the first file: %v", err)
				}
				if _, err := settled(t, task, second); !errors.Is(err, net.ErrClosed) {
					t.Errorf("of the second file: %v", err)
				}
				if err := p.wait(t, task); !errors.Is(err, c.is) && !lost(err) {
					t.Errorf("Closed got %v, want %v", err, c.is)
				}
				_ = a.Close()
			})
		})
	}
	t.Run("the loop closed", func(t *testing.T) {
		onLoops(t, func(t *testing.T, l *corolla.Loop, _ *[]error) {
			if err := l.Run(func(task *corolla.Task) error {
				p := &keeper{}
				tlsPair(t, task, p)
				until(t, task, func() bool { return p.conn != nil })
				p.conn.SendFile(f, 0, -1)
				pause(t, task, 20*time.Millisecond)
				p.conn.Close()
				return nil
			}); err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("the handshake failed", func(t *testing.T) {
		onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
			sides, clients := keepers(t, task, 1)
			k := sides[0]
			if err := k.conn.ClientTLS(&tls.Config{ServerName: "x"}, func(err error) { k.say("done %v", err != nil) }); err != nil {
				t.Fatal(err)
			}
			sent := k.conn.SendFile(f, 0, -1)
			_ = clients[0].Close()
			if err := k.wait(t, task); err == nil || k.String() != "opened done true closed" {
				t.Errorf("%q, closed with %v", k, err)
			}
			if _, err := settled(t, task, sent); !errors.Is(err, net.ErrClosed) {
				t.Errorf("of the file: %v", err)
			}
		})
	})
}

func TestResetDuringTransferIsToldToClosed(t *testing.T) {
	f := plainFile(t, strings.Repeat("x", stuffing))
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 1)
		sent := sides[0].conn.SendFile(f, 0, -1)
		sides[0].conn.Close()
		pause(t, task, 10*time.Millisecond)
		_ = clients[0].Abort()
		if _, err := settled(t, task, sent); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("of the file: %v", err)
		}
		if err := sides[0].wait(t, task); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Closed got %v", err)
		}
	})
}

// swallower is both Buffered and a FileReceiver.
type swallower struct {
	getter
	buf [64]byte
}

func (s *swallower) Buffer(*transport.Conn) []byte { return s.buf[:] }

func (s *swallower) Filled(*transport.Conn, int) { s.say("filled") }

func TestFilesReachAProtocolThatIsBufferedToo(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		s := &swallower{}
		srv, err := transport.Serve(l, "unix", filepath.Join(t.TempDir(), "s"), func(*transport.Conn) transport.Protocol { return s })
		if err != nil {
			return err
		}
		defer srv.Close()
		c, err := transport.Dial(l, "unix", srv.Addr().String(), &recorder{}).Await(task)
		if err != nil {
			return err
		}
		if _, err := c.WriteFiles([]byte("x"), plainFile(t, "text")).Await(task); err != nil {
			return err
		}
		until(t, task, func() bool { return s.text == "x" })
		if len(s.files) != 1 {
			t.Fatalf("%d files came", len(s.files))
		}
		_ = s.files[0].Close()
		c.Close()
		return s.wait(t, task)
	}); err != nil {
		t.Error(err)
	}
}
