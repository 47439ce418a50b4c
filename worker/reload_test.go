//go:build unix

package worker_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// answer says who has answered.
type answer struct{ pid, number, generation int }

// client is one that sends requests, on a connection that it keeps or on one for each. It sends none again: what
// fails has failed.
type client struct {
	network, addr string
	keep, tls     bool
	conn          net.Conn
	in            *bufio.Reader
	by            answer // on this connection
	opened        int
}

func (c *client) drop() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
	c.conn, c.by = nil, answer{}
}

// get sends a request. An error says at which step it failed.
func (c *client) get(path string) (a answer, err error) {
	if c.conn == nil {
		if c.tls {
			c.conn, err = tls.Dial(c.network, c.addr, &tls.Config{InsecureSkipVerify: true})
		} else {
			c.conn, err = net.Dial(c.network, c.addr)
		}
		if err != nil {
			c.conn = nil
			return a, fmt.Errorf("connect: %w", err)
		}
		c.opened++
		c.in = bufio.NewReader(c.conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(deadline)) // it is open
	if _, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: worker\r\n\r\n", path); err != nil {
		return a, fmt.Errorf("send: %w", err)
	}
	return c.answer()
}

// answer reads an answer.
func (c *client) answer() (a answer, err error) {
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return a, fmt.Errorf("receive: %w", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || string(body) != "hello" {
		return a, fmt.Errorf("answer: %s, %q, %w", r.Status, body, err)
	}
	if _, err := fmt.Sscan(r.Header.Get("Worker"), &a.pid, &a.number, &a.generation); err != nil {
		return a, err
	}
	if c.by = a; r.Close || !c.keep {
		c.drop()
	}
	return a, nil
}

func ask(t *testing.T, p *parent) answer {
	t.Helper()
	c := client{network: p.s.Network, addr: p.addr}
	defer c.drop()
	a, err := c.get("/")
	if err != nil {
		t.Error(err)
	}
	return a
}

// load is many clients at work.
type load struct {
	t     *testing.T
	stop  chan struct{}
	made  chan struct{} // a request, if somebody waits for it
	all   sync.WaitGroup
	began time.Time
	asked atomic.Int64
	cut   atomic.Int64 // requests that were in a worker that was killed
	kept  int          // clients that keep their connections
	anew  atomic.Int64 // connections that those have opened

	mu     sync.Mutex
	killed map[int]bool // by PID, before they are
	over   int          // of them, those that have ended
	heir   map[int]int  // who has replaced a worker, and may have its connections
}

// start has clients send requests, half of them on connections that they keep: as fast as they can, or together
// so many in a second.
func start(t *testing.T, p *parent, clients, rate int) *load {
	l := &load{t: t, began: time.Now(), stop: make(chan struct{}), made: make(chan struct{}), killed: map[int]bool{}, heir: map[int]int{}}
	for i := range clients {
		keep := i%2 == 0
		if keep {
			l.kept++
		}
		l.all.Go(func() {
			c := client{network: p.s.Network, addr: p.addr, keep: keep, tls: p.tls}
			defer func() {
				c.drop()
				if keep {
					l.anew.Add(int64(c.opened - 1)) // each has made a request
				}
			}()
			var pace <-chan time.Time
			if rate > 0 {
				tick := time.NewTicker(time.Second * time.Duration(clients) / time.Duration(rate))
				defer tick.Stop()
				pace = tick.C
			}
			for {
				if pace != nil {
					<-pace
				}
				select {
				case <-l.stop:
					return
				default:
					l.request(&c)
				}
			}
		})
	}
	return l
}

func (l *load) request(c *client) {
	l.mu.Lock()
	over := l.over
	l.mu.Unlock()
	held := c.by.pid // has this connection, if it is not a new one
	_, err := c.get("/")
	l.asked.Add(1)
	select {
	case l.made <- struct{}{}:
	default:
	}
	if err == nil {
		return
	}
	c.drop()
	l.mu.Lock()
	defer l.mu.Unlock()
	// A new connection does not say who has accepted it: it may fail if a worker was killed just then.
	cut := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	if cut && (l.lost(held) || held == 0 && len(l.killed) > over) {
		l.cut.Add(1)
		return
	}
	l.t.Errorf("a request failed, on a connection of %d, with %d kills meanwhile: %v", held, len(l.killed)-over, err)
}

// lost reports whether a worker was killed, or one that may have taken over its connections.
func (l *load) lost(pid int) bool {
	for ; pid != 0; pid = l.heir[pid] {
		if l.killed[pid] {
			return true
		}
	}
	return false
}

// inherit says which workers have replaced which, both by their PIDs.
func (l *load) inherit(old, all map[int]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a, name := range old {
		for b, other := range all {
			if numberOf(name) == numberOf(other) {
				l.heir[a] = b
			}
		}
	}
}

func numberOf(name string) string { number, _, _ := strings.Cut(name, "."); return number }

// killHeir kills a worker that has just replaced another, which may be handing over connections, and waits until
// another has come, whose PID takes the place of its own, and the old ones have ended.
func (l *load) killHeir(p *parent, pid int, pids map[int]string) {
	l.mu.Lock()
	l.killed[pid] = true
	l.mu.Unlock()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		l.t.Error(err)
	}
	for ended, ready := 0, 0; ended < 3 || ready < 1; {
		switch e := p.any(); {
		case e.Msg == "worker ready":
			ready++
			delete(pids, pid)
			pids[e.PID] = e.Worker
		case e.Msg == "worker ended" && e.PID == pid:
			l.mu.Lock()
			l.over++
			l.mu.Unlock()
			ended++
		case e.Msg == "worker ended":
			if ended++; e.Status != "exit status 0" || !e.Told {
				l.t.Errorf("%+v", e)
			}
		}
	}
}

// kill kills a worker, and waits until another is ready, whose PID takes the place of its own.
func (l *load) kill(p *parent, pid int, pids map[int]string) {
	l.mu.Lock()
	l.killed[pid] = true
	l.mu.Unlock()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		l.t.Error(err)
	}
	if e := p.next("worker ended"); e.PID != pid || e.Status != "signal: killed" {
		l.t.Errorf("%+v", e)
	}
	l.mu.Lock()
	l.over++
	l.mu.Unlock()
	delete(pids, pid)
	maps.Copy(pids, p.ready(1))
}

func (l *load) end() {
	close(l.stop)
	l.all.Wait()
	l.t.Logf("%d requests, %.0f a second, of which %d were in workers that were killed; %d clients kept connections, and opened %d anew",
		l.asked.Load(), float64(l.asked.Load())/time.Since(l.began).Seconds(), l.cut.Load(), l.kept, l.anew.Load())
}

// more waits until so many more requests were made.
func (l *load) more(n int) {
	late := time.NewTimer(deadline)
	defer late.Stop()
	for range n {
		select {
		case <-l.made:
		case <-late.C:
			l.t.Fatal("clients wait")
		}
	}
}

// TestReloads: not one request fails or is refused through reloads, and through workers that are killed only those
// that are in them. COROLLA_RELOADS=50 is the long form, at 2,000 requests a second.
func TestReloads(t *testing.T) {
	reloads, requests, clients, rate := 3, 50, 8, 0
	if text := os.Getenv("COROLLA_RELOADS"); text != "" {
		if _, err := fmt.Sscan(text, &reloads); err != nil {
			t.Fatal(err)
		}
		requests, clients, rate = 500, 32, 2000
	}
	for _, c := range []struct {
		name              string
		kills, heirs, tls bool
	}{{name: "reloads"}, {name: "kills", kills: true}, {name: "kills during reloads", heirs: true}, {name: "TLS", tls: true}} {
		t.Run(c.name, func(t *testing.T) {
			s := settings{Workers: 2, Grace: 2 * deadline, Linger: deadline}
			if c.tls {
				s.Mode = modeFile(t, "tls")
			}
			p := begin(t, s)
			p.tls = c.tls
			pids := p.ready(2)
			l := start(t, p, clients, rate)
			for range reloads {
				l.more(requests)
				if c.kills {
					for pid := range pids {
						l.kill(p, pid, pids)
						break
					}
				}
				l.more(requests)
				p.signal(syscall.SIGHUP)
				old := pids
				pids = p.ready(2)
				l.inherit(old, pids)
				p.next("reloaded")
				if !c.heirs {
					p.ended(2)
					continue
				}
				for pid := range pids {
					l.killHeir(p, pid, pids)
					break
				}
			}
			l.end()
			switch n := l.anew.Load(); {
			case n > 0 && !c.kills && !c.heirs && !c.tls:
				t.Errorf("connections that clients keep have ended %d times", n)
			case n == 0 && c.tls:
				t.Error("connections with TLS have not ended at a reload")
			}
			p.stop()
		})
	}
}
