package compat_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"time"

	"github.com/corolla-go/corolla/internal/certtest"
)

// website serves HTTP beside the loop until the test ends.
func (e *env) website(h http.Handler) (address string) {
	s := httptest.NewServer(h)
	e.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// serveOnFace serves with a handler on the loop's listener while f runs on a goroutine.
func (e *env) serveOnFace(h http.Handler, f func(address string) error) error {
	ln, err := e.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	face := ln.AIO().NetListener()
	s := &http.Server{Handler: h}
	served := e.Go(func() error { return e.elsewhere(func() error { return s.Serve(face) }) })
	err = e.elsewhere(func() error {
		defer s.Close()
		return f(face.Addr().String())
	})
	if err := served.Join(); err != http.ErrServerClosed {
		e.Errorf("Serve = %v", err)
	}
	return err
}

// httpServerOnFace shows why: the server has a goroutine for each connection.
func httpServerOnFace(e *env) error {
	ln, err := e.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := newStrangers(e)
	served := e.Go(func() error { return (&http.Server{}).Serve(s.listen(ln)) })
	c, err := e.Dial("tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	s.wantRefused()
	_, _ = c.Close(), ln.Close()
	_ = served.Join() // it has an error, as its listener was closed

	ready := make(chan struct{})
	e.behind(opens(ready))
	return e.serveOnFace(gated(ready), func(address string) error { return get(new(http.Transport), address) })
}

// httpTransportOnFace shows why: it dials, reads and writes on goroutines.
func httpTransportOnFace(e *env) error {
	ready := make(chan struct{})
	address := e.website(gated(ready))
	return e.face(func(dial dialer) error {
		return get(&http.Transport{DialContext: dial}, address)
	}, opens(ready))
}

// tlsOnFace shows why: a *tls.Conn holds a mutex while it waits, and a second thread that wants it would
// not let the first one run.
func tlsOnFace(e *env) error {
	ca := certtest.New(e.T)
	trust := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}
	own := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "server.test")}}
	ready := make(chan struct{})
	address, wait := e.outsider(func(c net.Conn) error {
		s := tls.Server(c, own)
		if err := s.Handshake(); err != nil {
			return err
		}
		<-ready
		_, err := s.Write([]byte("ab"))
		return err
	})
	s := newStrangers(e)
	c, err := s.dial(e.Context(), "tcp", address)
	if err != nil {
		return err
	}
	held := tls.Client(c, trust)
	if err := held.Handshake(); err != nil {
		return err
	}
	first := e.Go(func() error { _, err := held.Read(make([]byte, 1)); return err })
	e.Sleep(0)
	second := e.Go(func() error {
		return e.elsewhere(func() error { _, err := held.Read(make([]byte, 3)); return err })
	})
	for !waitsForMutex("crypto/tls.(*Conn).Read") {
		e.Sleep(0)
	}
	close(ready) // the first one had the mutex all the while
	if err := first.Join(); err != nil {
		e.Errorf("the first to read: %v", err)
	}
	_ = second.Join() // it has what was left, or is refused
	wait()
	_ = c.Close()
	gate := make(chan struct{})
	address, wait = e.outsider(func(c net.Conn) error {
		s := tls.Server(c, own)
		<-gate
		_, err := s.Write([]byte("ok"))
		return err
	})
	if err := e.elsewhereWith(func() error {
		c, err := outside(e.Loop())(e.Context(), "tcp", address)
		if err != nil {
			return err
		}
		t := tls.Client(c, trust)
		defer t.Close()
		_, err = t.Read(make([]byte, 2))
		return err
	}, opens(gate)); err != nil {
		return err
	}
	wait()
	accepted, wait, err := e.visited(func(address string) error {
		c, err := tls.Dial("tcp", address, trust)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Read(make([]byte, 2))
		return err
	})
	if err != nil {
		return err
	}
	face := accepted.AIO().NetConn()
	err = e.elsewhere(func() error {
		t := tls.Server(face, own)
		defer t.Close()
		_, err := t.Write([]byte("ok"))
		return err
	})
	wait()
	return err
}

// waitsForMutex reports whether a goroutine that calls a function waits for a mutex.
func waitsForMutex(function string) bool {
	buf := make([]byte, 4<<20)
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "[sync.Mutex.Lock") && strings.Contains(stack, "\n"+function+"(") {
			return true
		}
	}
	return false
}

// httpOffloaded shows why: the caller waits on a channel, and package net dials.
func httpOffloaded(e *env) error {
	open := e.website(gated(now()))
	e.holds(func() error { return get(http.DefaultTransport.(*http.Transport).Clone(), open) })
	ready := make(chan struct{})
	later := e.website(gated(ready))
	return e.elsewhereWith(func() error {
		return get(http.DefaultTransport.(*http.Transport).Clone(), later)
	}, opens(ready))
}
