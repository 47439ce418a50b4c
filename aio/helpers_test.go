package aio_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
)

// settle waits until something is so, which must come by itself.
func settle(t *testing.T, task *corolla.Task, so func() bool) {
	t.Helper()
	for !so() {
		if err := task.Sleep(time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

// quiet waits until every socket of the loop is closed, as those are whose peers a test has closed,
// and no job runs, which nothing can stop.
func quiet(t *testing.T, task *corolla.Task) {
	t.Helper()
	if err := task.Timeout(10*time.Second, func(*corolla.Scope) error {
		for s := task.Loop().Stats(); s.Sockets > 0 || s.Jobs > 0; s = task.Loop().Stats() {
			if err := task.Sleep(100 * time.Microsecond); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// tlsPair puts TLS on both ends, with a as the client.
func tlsPair(t *testing.T, task *corolla.Task, ca *certtest.Authority, cert tls.Certificate, a, b *aio.Conn) {
	t.Helper()
	f := task.Loop().Go(func(task *corolla.Task) error {
		return b.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now})
	})
	err := a.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now})
	if _, e := f.Await(task); e != nil || err != nil {
		t.Fatal(err, e)
	}
}

func newCA(t *testing.T) (*certtest.Authority, tls.Certificate) {
	ca := certtest.New(t)
	return ca, ca.Issue(time.Time{}, "server.test")
}

func soon(t *corolla.Task) time.Time { return t.Loop().Time().Add(10 * time.Millisecond) }

// oneOf connects to a listener, and returns both ends.
func oneOf(t *testing.T, task *corolla.Task, ln *aio.Listener) (c, peer *aio.Conn) {
	t.Helper()
	dial := corolla.Go(task.Loop(), func(task *corolla.Task) (*aio.Conn, error) {
		return aio.Dial(task, "tcp", ln.Addr().String(), smallBuffers...)
	})
	c, err := ln.Accept(task)
	if err != nil {
		t.Fatal(err)
	}
	if peer, err = dial.Await(task); err != nil {
		t.Fatal(err)
	}
	return c, peer
}
