package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/simtest"
	"github.com/corolla-go/corolla/web"
)

// TestExploreWeb has two clients ask a server through storms. An answer is the one to what was asked; a POST
// is done once at most, and was done if it was answered; after the storm all are served; and neither a
// connection nor a handler is left behind.
func TestExploreWeb(t *testing.T) { simtest.Explore(t, 300, stormyWeb) }

const stormyTime = 5 * time.Second

func stormyWeb(r *simtest.Run) error {
	r.Expect("a body was cut off", "not answered", "a handler's client has gone")
	s := &stormySite{run: r, done: map[string]int{}}
	r.Supervise("server", func(t *corolla.Task) error {
		ln, err := aio.Listen(t.Loop(), "tcp", ":80")
		if err != nil {
			return err
		}
		s.server = &web.Server{Handler: s}
		return s.server.Serve(t, ln)
	})
	var clients []*sim.Program
	for _, name := range []string{"a", "b"} {
		c := &stormyClient{run: r, site: s, name: name}
		clients = append(clients, r.Host(name).Start(c.act, r.PanicsOnly()))
	}
	r.Storm(stormyTime)
	done := func() bool { return clients[0].Done() && clients[1].Done() && r.Now() > stormyTime }
	if err := r.RunUntil(done, 10*time.Minute); err != nil {
		return err
	}
	for _, c := range clients {
		if err := c.Err(); err != nil {
			return err
		}
	}
	if err := r.Settle(1); err != nil { // the listener
		return err
	}
	if n := s.server.Stats(); n != (web.ServerStats{}) {
		return fmt.Errorf("left behind in the server: %+v", n)
	}
	for id, n := range s.done {
		if n > 1 {
			return fmt.Errorf("%s was done %d times", id, n)
		}
	}
	return nil
}

// stormySite answers with what it is sent, turned to upper case, or with a long page.
type stormySite struct {
	run    *simtest.Run
	server *web.Server
	done   map[string]int // how often
}

func (s *stormySite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Id", r.URL.Path)
	if r.Method == http.MethodGet {
		for range 8 {
			_, err := io.WriteString(w, strings.Repeat(r.URL.Path, 50))
			err = errors.Join(err, http.NewResponseController(w).Flush(), web.Task(r).Sleep(25*time.Millisecond))
			if err != nil {
				s.run.Sometimes("a handler's client has gone")
				panic(http.ErrAbortHandler)
			}
		}
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.run.Sometimes("a handler's client has gone")
		panic(http.ErrAbortHandler)
	}
	s.done[r.URL.Path]++
	_, _ = w.Write(bytes.ToUpper(body)) // who asked may have gone
}

type stormyClient struct {
	run  *simtest.Run
	site *stormySite
	name string
	next int
}

// act asks until the storm is over and then some more.
func (c *stormyClient) act(t *corolla.Task) error {
	tr := &web.Transport{Loop: t.Loop(), ResponseHeaderTimeout: 20 * time.Second}
	client := &http.Client{Transport: tr}
	for well := 0; well < 4; {
		began := c.run.Now()
		err := t.Timeout(30*time.Second, func(*corolla.Scope) error { return c.ask(t, client) })
		if err == nil && began > stormyTime {
			well++
		}
		if err := t.Sleep(200 * time.Millisecond); err != nil {
			return err
		}
	}
	tr.CloseIdleConnections()
	if err := t.Sleep(time.Minute); err != nil {
		return err
	}
	if n := tr.Stats(); n != (web.TransportStats{}) {
		return fmt.Errorf("left behind in the transport: %+v", n)
	}
	return nil
}

// ask gets a page, or posts a body of a known length, or one of an unknown length.
func (c *stormyClient) ask(t *corolla.Task, client *http.Client) error {
	c.next++
	id := fmt.Sprintf("/%s%d", c.name, c.next)
	method, body, want := http.MethodGet, io.Reader(nil), strings.Repeat(id, 400)
	if c.next%3 > 0 {
		sent := strings.Repeat("x"+id[1:], 500)
		method, body, want = http.MethodPost, strings.NewReader(sent), strings.ToUpper(sent)
		if c.next%3 == 2 {
			body = io.MultiReader(body)
		}
	}
	req, err := http.NewRequestWithContext(t, method, "http://server"+id, body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		c.run.Sometimes("not answered")
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Id") != id || !strings.HasPrefix(want, string(got)) {
		c.run.Always(false, fmt.Sprintf("answers are to what was asked, but %s got %s of %s with %.40q", id, resp.Status, resp.Header.Get("Id"), got))
	}
	if err != nil {
		c.run.Sometimes("a body was cut off")
		return err
	}
	c.run.Always(len(got) == len(want), fmt.Sprintf("answers are whole, but %s has %d bytes of %d", id, len(got), len(want)))
	if method == http.MethodPost {
		c.run.Always(c.site.done[id] == 1, fmt.Sprintf("what is answered is done, but %s was done %d times", id, c.site.done[id]))
	}
	return nil
}
