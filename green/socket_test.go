package green_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/certtest"
)

// serving starts a server of handle, and returns its address. It lives as long as Run does.
func serving(e *env, handle func(c *green.Conn) error) string {
	ln, err := e.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.Fatal(err)
	}
	e.Go(func() error { return e.Serve(ln, handle) })
	return ln.Addr().String()
}

func echo(c *green.Conn) error { _, err := io.Copy(c, c); return err }

// TestDialFunctions in the forms that libraries want.
func TestDialFunctions(t *testing.T) {
	eachHub(t, func(e *env) error {
		addr := serving(e, echo)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for name, dial := range map[string]func() (net.Conn, error){
			"DialNet":     func() (net.Conn, error) { return e.DialNet("tcp", addr) },
			"DialContext": func() (net.Conn, error) { return e.DialContext(ctx, "tcp", addr) },
		} {
			c, err := dial()
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if _, err := io.WriteString(c, "x"); err != nil {
				return err
			}
			if _, err := c.Read(make([]byte, 1)); err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		cancel()
		if c, err := e.DialContext(ctx, "tcp", addr); c != nil || !errors.Is(err, context.Canceled) {
			e.Errorf("DialContext = %v, %v", c, err)
		}
		if c, err := e.DialNet("tcp", "127.0.0.1:1"); c != nil || err == nil {
			e.Errorf("DialNet = %v, %v", c, err)
		}
		return nil
	})
}

// TestDialContextEndsWithIt while it waits.
func TestDialContextEndsWithIt(t *testing.T) {
	eachHub(t, func(e *env) error {
		ctx, cancel := context.WithCancel(context.Background())
		e.Loop().Soon(cancel)
		c, err := e.DialContext(ctx, "tcp", "127.0.0.1:1")
		if c != nil || err == nil { // refused, or canceled before that
			e.Errorf("DialContext = %v, %v", c, err)
		}
		e.Sleep(0) // the thread goes on
		return nil
	})
}

func TestTLS(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	client := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	eachHub(t, func(e *env) error {
		ln, err := e.ListenTLS("tcp", "127.0.0.1:0", server)
		if err != nil {
			return err
		}
		serve := e.Go(func() error {
			return e.Serve(ln, func(c *green.Conn) error {
				if err := echo(c); err != nil {
					return err
				}
				if s, ok := c.TLS(); !ok || s.ServerName != "server.test" {
					e.Errorf("the server's state: %v, %v", s.ServerName, ok)
				}
				return green.ErrStopServe
			})
		})
		c, err := e.DialTLS("tcp", ln.Addr().String(), client)
		if err != nil {
			return err
		}
		if s, ok := c.TLS(); !ok || len(s.PeerCertificates) != 1 {
			e.Error("no TLS")
		}
		err = errors.Join(hello(c), c.CloseWrite(), serve.Join(), c.Close())
		e.lingered(0)
		return err
	})
}

// hello is answered by an echo.
func hello(c io.ReadWriter) error {
	b := make([]byte, 5)
	_, err := io.WriteString(c, "hello")
	_, err2 := io.ReadFull(c, b)
	if string(b) != "hello" {
		return fmt.Errorf("read %q: %w", b, errors.Join(err, err2))
	}
	return errors.Join(err, err2)
}

// TestStartTLS on a connection that is in use, as SMTP and PostgreSQL do.
func TestStartTLS(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	eachHub(t, func(e *env) error {
		addr := serving(e, func(c *green.Conn) error {
			in := bufio.NewReader(c)
			if line, err := in.ReadString('\n'); line != "STARTTLS\n" {
				return fmt.Errorf("read %q: %w", line, err)
			}
			_, err := io.WriteString(c, "go\n")
			return errors.Join(err, c.ServerTLS(&tls.Config{Certificates: []tls.Certificate{cert}}), echo(c))
		})
		c, err := e.Dial("tcp", addr)
		if err != nil {
			return err
		}
		_, err = io.WriteString(c, "STARTTLS\n")
		if line, err := bufio.NewReader(c).ReadString('\n'); line != "go\n" {
			e.Errorf("read %q, %v", line, err)
		}
		err = errors.Join(err, c.ClientTLS(&tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}))
		err = errors.Join(err, hello(c), c.Close())
		e.lingered(1)
		return err
	})
}

func TestPackets(t *testing.T) {
	eachHub(t, func(e *env) error {
		server, err := e.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		echo := e.Go(func() error {
			b := make([]byte, 16)
			n, from, err := server.ReadFrom(b)
			if err == nil {
				_, err = server.WriteTo(b[:n], from)
			}
			return err
		})
		c, err := e.DialPacket("udp", server.LocalAddr().String())
		if err != nil {
			return err
		}
		err = hello(c)
		err = errors.Join(err, echo.Join(), c.SetReadDeadline(e.Loop().Time().Add(time.Millisecond)))
		var timeout net.Error
		if _, err := c.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			e.Errorf("Read = %v", err)
		}
		if c.RemoteAddr().String() != server.LocalAddr().String() {
			e.Errorf("the peer of %v is %v", c.LocalAddr(), c.RemoteAddr())
		}
		return errors.Join(err, c.Close(), server.Close())
	})
}

// TestCloseRead ends a Read that waits, and those to come; writing goes on.
func TestCloseRead(t *testing.T) {
	eachHub(t, func(e *env) error {
		client, server := pair(e.T, e.Hub)
		reader := e.Go(func() error {
			if _, err := client.Read(make([]byte, 1)); err != io.EOF {
				e.Errorf("Read = %v", err)
			}
			return nil
		})
		e.Sleep(0)
		err := client.CloseRead()
		err = errors.Join(err, reader.Join(), client.SetReadDeadline(time.Time{}))
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			e.Errorf("a later Read = %v", err)
		}
		if n, err := io.Copy(server, client); n != 0 || err != nil {
			e.Errorf("Copy = %d, %v", n, err)
		}
		_, err2 := client.Write([]byte("x"))
		_, err3 := server.Read(make([]byte, 1))
		return errors.Join(err, err2, err3, client.Close(), server.Close())
	})
}

// TestWrap: a task's connection and a green one are two faces of one.
func TestWrap(t *testing.T) {
	eachHub(t, func(e *env) error {
		addr := serving(e, echo)
		c, err := aio.Dial(e.Task(), "tcp", addr)
		if err != nil {
			return err
		}
		g := e.Hub.Wrap(c)
		if err := hello(g); err != nil || g.AIO() != c {
			e.Errorf("wrapped: %v", err)
		}
		_, err = c.Write(e.Task(), []byte("line\n"))
		line, err2 := c.ReadUntil(e.Task(), []byte("\n"))
		if string(line) != "line\n" {
			e.Errorf("read %q", line)
		}
		return errors.Join(err, err2, g.Flush(), g.Close())
	})
}

// TestAdoptedConn is one of net's.
func TestAdoptedConn(t *testing.T) {
	onHub(t, "real", func(e *env) error {
		addr := serving(e, echo)
		c, err := green.Offload(e.Hub, func() (net.Conn, error) { return net.Dial("tcp", addr) })
		if err != nil {
			return err
		}
		g, err := e.Adopt(c.(*net.TCPConn))
		return errors.Join(err, c.Close(), hello(g), g.Close())
	})
}

// TestKillOfAServer ends its handlers.
func TestKillOfAServer(t *testing.T) {
	eachHub(t, func(e *env) error {
		ln, err := e.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := e.Go(func() error {
			defer e.add("server")
			return e.Serve(ln, func(c *green.Conn) error {
				defer e.add("handler")
				_, err := io.WriteString(c, "x")
				return errors.Join(err, e.forever())
			})
		})
		c, err := e.Dial("tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 1))
		server.Kill(errBad)
		if got := server.Join(); got != errBad {
			e.Errorf("Wait = %v", got)
		}
		e.want("handler server")
		if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF { // which would say that it got all
			e.Errorf("Read = %v", err)
		}
		return errors.Join(err, c.Close())
	})
}

// TestListenerHasDeadlines, and says what it is.
func TestListenerHasDeadlines(t *testing.T) {
	eachHub(t, func(e *env) error {
		ln, err := e.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		again := e.WrapListener(ln.AIO())
		err = again.SetDeadline(e.Loop().Time().Add(time.Millisecond))
		var timeout net.Error
		if _, err := ln.Accept(); !errors.As(err, &timeout) || !timeout.Timeout() {
			e.Errorf("Accept = %v", err)
		}
		if !strings.HasPrefix(ln.Addr().String(), "127.0.0.1:") {
			e.Errorf("it listens at %v", ln.Addr())
		}
		return errors.Join(err, ln.Close())
	})
}
