package aio_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// Code that was not written for a loop asks every connection who it is from, also one that was
// reset before it was accepted.
func TestHTTPServerKnowsClientsThatConnectAndReset(t *testing.T) {
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		t.Fatal(err)
	}
	defer leaktest.Close(t, l)
	const resets = 2000
	var nameless, named atomic.Int32
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if c.RemoteAddr() == nil || c.LocalAddr() == nil {
				nameless.Add(1)
			} else {
				named.Add(1)
			}
			return ctx
		},
	}
	err = l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		at, there := ln.Addr().String(), ln.NetListener()
		served := corolla.Offload(l, func() (int, error) {
			if err := server.Serve(there); err != http.ErrServerClosed {
				return 0, err
			}
			return 0, nil
		})
		_, err = corolla.Offload(l, func() (int, error) {
			defer server.Close()
			for range resets {
				if err := connectAndReset(at); err != nil {
					return 0, err
				}
			}
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			answer, err := client.Get("http://" + at) // behind all the others
			if err != nil {
				return 0, err
			}
			if answer.StatusCode != http.StatusTeapot {
				err = fmt.Errorf("answer: %s", answer.Status)
			}
			return 0, errors.Join(err, answer.Body.Close())
		}).Await(task)
		_, e := served.Await(task)
		return errors.Join(err, e)
	})
	if err != nil {
		t.Fatal(err)
	}
	if nameless.Load() != 0 || named.Load() != resets+1 {
		t.Errorf("%d connections had no address, %d had", nameless.Load(), named.Load())
	}
}

func connectAndReset(addr string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	return errors.Join(c.(*net.TCPConn).SetLinger(0), c.Close())
}
