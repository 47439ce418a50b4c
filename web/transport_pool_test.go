package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
)

// numbered answers with the number of the connection, and of the request on it.
func (e *clientEnv) numbered() (url string, stop func()) {
	conns := map[*clientPeer]int{}
	return e.serve(func(p *clientPeer, r *http.Request) error {
		if p.n == 0 {
			conns[p] = len(conns)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		return p.say("%s", clientWhole(fmt.Sprint(conns[p], ".", p.n)))
	})
}

func TestTransportKeepsConnections(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.numbered()
		defer stop()
		e.wantGet(url, "0.0")
		e.wantGet(url, "0.1")
		e.tr.CloseIdleConnections()
		e.wantStats(web.TransportStats{})
		e.wantGet(url, "1.0")
		e.tr.DisableKeepAlives = true
		e.wantGet(url, "1.1")
		e.wantStats(web.TransportStats{})
		e.wantGet(url, "2.0")
	})
}

func TestTransportClosesWhenAsked(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			switch r.URL.Path {
			case "/close":
				return p.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
			case "/old":
				return p.say("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
			case "/end":
				if err := p.say("HTTP/1.1 200 OK\r\n\r\nok"); err != nil {
					return err
				}
				return io.EOF
			}
			return p.say("%s", clientWhole("ok"))
		})
		defer stop()
		for _, path := range []string{"/close", "/old", "/end"} {
			e.wantGet(url+path, "ok")
			e.wantStats(web.TransportStats{})
		}
		for _, ask := range []func(r *http.Request){
			func(r *http.Request) { r.Close = true },
			func(r *http.Request) { r.Header.Set("Connection", "close") },
		} {
			r, err := http.NewRequest("GET", url, nil)
			if err != nil {
				e.Fatal(err)
			}
			ask(r)
			resp, err := e.client.Do(r)
			if err != nil {
				e.Fatal(err)
			}
			if all, err := io.ReadAll(resp.Body); string(all) != "ok" || err != nil {
				e.Errorf("%q, %v", all, err)
			}
			e.wantStats(web.TransportStats{})
		}
	})
}

func TestTransportLimitsConnectionsOfAHost(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		e.tr.MaxConnsPerHost = 2
		busy, most := 0, 0
		var came []string
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			busy++
			most = max(most, busy)
			came = append(came, r.URL.Path)
			if err := p.task.Sleep(5 * time.Millisecond); err != nil {
				return err
			}
			busy--
			return p.say("%s", clientWhole(r.URL.Path))
		})
		defer stop()
		var want []string
		if err := e.task.Group(func(g *corolla.Group) error {
			for i := range 20 {
				path := fmt.Sprintf("/%02d", i)
				want = append(want, path)
				g.Go(func(*corolla.Task) error { e.wantGet(url+path, path); return nil })
			}
			if err := e.task.Yield(); err != nil {
				return err
			}
			if err := e.task.Yield(); err != nil {
				return err
			}
			e.wantStats(web.TransportStats{Active: 2, Waiting: 18})
			return nil
		}); err != nil {
			e.Error(err)
		}
		e.wantStats(web.TransportStats{Idle: 2})
		if most != 2 {
			e.Errorf("%d requests at a time", most)
		}
		for i, path := range want { // those of the two connections may overtake each other on the way
			if at := slices.Index(came, path); at < i-1 || at > i+1 {
				e.Errorf("%s was number %d: %v", path, at, came)
			}
		}
	})
}

func TestTransportWaitingCanceled(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		e.tr.MaxConnsPerHost = 1
		url, stop := e.numbered()
		defer stop()
		resp, err := e.client.Get(url)
		if err != nil {
			e.Fatal(err)
		}
		// The first in line is canceled in the turn in which it is given the place.
		first := e.loop.Go(func(*corolla.Task) error { _, err := e.get(url); return err })
		second := corolla.Go(e.loop, func(*corolla.Task) (string, error) { return e.get(url) })
		if err := errors.Join(e.task.Yield(), e.task.Yield()); err != nil {
			e.Fatal(err)
		}
		e.wantStats(web.TransportStats{Active: 1, Waiting: 2})
		if _, err := io.ReadAll(resp.Body); err != nil {
			e.Error(err)
		}
		first.Cancel(nil)
		if _, err := first.Await(e.task); !errors.Is(err, corolla.ErrCanceled) {
			e.Errorf("the canceled one: %v", err)
		}
		if got, err := second.Await(e.task); got != "0.1" || err != nil {
			e.Errorf("the second: %q, %v", got, err)
		}
		e.wantStats(web.TransportStats{Idle: 1})
	})
}

func TestTransportLimitsIdleConnections(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		e.tr.MaxIdleConns, e.tr.MaxIdleConnsPerHost = 5, 3
		var urls []string
		for range 2 {
			url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
				if err := p.task.Sleep(time.Millisecond); err != nil {
					return err
				}
				return p.say("%s", clientWhole("ok"))
			})
			defer stop()
			urls = append(urls, url)
		}
		for i, url := range urls {
			if err := e.task.Group(func(g *corolla.Group) error {
				for range 10 {
					g.Go(func(*corolla.Task) error { e.wantGet(url, "ok"); return nil })
				}
				return nil
			}); err != nil {
				e.Error(err)
			}
			e.wantStats(web.TransportStats{Idle: min(3*(i+1), 5)})
		}
	})
}

func TestTransportIdleTimeout(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		e.tr.IdleConnTimeout = 20 * time.Millisecond
		url, stop := e.numbered()
		defer stop()
		e.wantGet(url, "0.0")
		e.wantStats(web.TransportStats{Idle: 1})
		e.settle(func() bool { return e.tr.Stats().Idle == 0 })
		e.wantGet(url, "1.0")
	})
	clientOn(t, "sim", 1, func(e *clientEnv) { // on time, which only a virtual clock can tell
		url, stop := e.numbered()
		defer stop()
		e.wantGet(url, "0.0")
		since := e.loop.Now()
		e.settleWithin(2*web.DefaultIdleConnTimeout, time.Second, func() bool { return e.tr.Stats().Idle == 0 })
		if took := e.loop.Now() - since; took < web.DefaultIdleConnTimeout || took > web.DefaultIdleConnTimeout+time.Second {
			e.Errorf("closed after %v", took)
		}
	})
}

// settleWithin is settle with other times.
func (e *clientEnv) settleWithin(d, step time.Duration, so func() bool) {
	e.Helper()
	if err := e.task.Timeout(d, func(*corolla.Scope) error {
		for !so() {
			if err := e.task.Sleep(step); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		e.Errorf("not settled: %v", err)
	}
}

func TestTransportDropsIdleConnections(t *testing.T) {
	for what, spoil := range map[string]func(p *clientPeer) error{
		"the end":     func(p *clientPeer) error { return io.EOF },
		"a reset":     func(p *clientPeer) error { return p.conn.Abort() },
		"stray bytes": func(p *clientPeer) error { return p.say("HTTP/1.1 408 Late\r\n\r\n") },
	} {
		t.Run(what, func(t *testing.T) {
			clientEach(t, func(e *clientEnv) {
				var spoiled corolla.Event
				url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
					if err := p.say("%s", clientWhole("ok")); err != nil {
						return err
					}
					if err := spoiled.Wait(p.task); err != nil {
						return err
					}
					return spoil(p)
				})
				defer stop()
				e.wantGet(url, "ok")
				e.wantStats(web.TransportStats{Idle: 1})
				spoiled.Set()
				e.settle(func() bool { return e.tr.Stats() == web.TransportStats{} })
			})
		})
	}
}

func TestTransportStrayBytesBehindAnAnswer(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			return p.say("%sHTTP/1.1 200 OK\r\n", clientWhole("ok"))
		})
		defer stop()
		e.wantGet(url, "ok")
		e.settle(func() bool { return e.tr.Stats() == web.TransportStats{} })
	})
}

func TestTransportManyConnections(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		const n = 200
		e.tr.MaxIdleConnsPerHost = n
		var all corolla.Event
		here := 0
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			if here++; here == n {
				all.Set()
			}
			if err := all.Wait(p.task); err != nil {
				return err
			}
			return p.say("%s", clientWhole(r.URL.Path))
		})
		defer stop()
		for range 3 {
			here = 0
			all.Clear()
			if err := e.task.Group(func(g *corolla.Group) error {
				for i := range n {
					path := fmt.Sprint("/", i)
					g.Go(func(*corolla.Task) error { e.wantGet(url+path, path); return nil })
				}
				return nil
			}); err != nil {
				e.Error(err)
			}
			e.wantStats(web.TransportStats{Idle: n})
			if s := e.loop.Stats(); s.Tasks > n+3 { // the server's
				e.Errorf("%d tasks while all are idle", s.Tasks)
			}
		}
	})
}

func TestTransportBodiesLeftUnread(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			switch r.URL.Path {
			case "/short":
				return p.say("%s", clientWhole("some text"))
			case "/chunked":
				return p.say("%s", clientChunks("some text", 4))
			case "/late": // the rest comes a little later
				if err := p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"); err != nil {
					return err
				}
				if err := p.task.Sleep(10 * time.Millisecond); err != nil {
					return err
				}
				return p.say("56789")
			case "/never":
				if err := p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"); err != nil {
					return err
				}
				_, err := p.in.ReadByte()
				return err
			}
			return p.say("%s", clientWhole(long))
		})
		defer stop()
		for _, c := range []struct {
			path string
			idle int
		}{{"/short", 1}, {"/chunked", 1}, {"/late", 1}, {"/never", 0}, {"/long", 0}} {
			resp, err := e.client.Get(url + c.path)
			if err != nil {
				e.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 3)); err != nil {
				e.Error(err)
			}
			if err := errors.Join(resp.Body.Close(), resp.Body.Close()); err != nil {
				e.Error(err)
			}
			if _, err := resp.Body.Read(make([]byte, 3)); !errors.Is(err, http.ErrBodyReadAfterClose) {
				e.Errorf("%s: Read after Close: %v", c.path, err)
			}
			e.settle(func() bool { return e.tr.Stats() == web.TransportStats{Idle: c.idle} })
			e.tr.CloseIdleConnections()
		}
	})
}
