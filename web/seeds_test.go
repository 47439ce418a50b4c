package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// tossed is a world in which everything is drawn from a seed: the network's delays and cuts, what the
// clients ask, how they write it, and where they vanish.
type tossed struct {
	*testing.T
	seed uint64
	rng  *rand.Rand
	w    *sim.World
	s    *serving

	began, ended, whole int // handlers
}

// serve answers with the sum of the body, in a way that the request asks for. A body that its reader takes
// for a whole one must be.
func (x *tossed) serve(w http.ResponseWriter, r *http.Request) {
	x.began++
	defer func() { x.hold(); x.ended++ }()
	x.hold()
	var body bytes.Buffer
	_, err := body.ReadFrom(r.Body)
	said := r.Header.Get("X-Sum")
	text := sum(&body)
	if err == nil && text != said {
		x.Errorf("seed %d: %s was sent, and %s came", x.seed, said, text)
	}
	if err != nil {
		return
	}
	x.whole++
	switch r.URL.Path {
	case "/late":
		if err := web.Task(r).Sleep(time.Millisecond); err != nil {
			return
		}
	case "/flush":
		io.WriteString(w, text[:5])
		w.(http.Flusher).Flush()
		text = text[5:]
	case "/big":
		text = strings.Repeat(text, 400)
	}
	io.WriteString(w, text)
}

// hold keeps the loop at times for longer than a turn should be.
func (x *tossed) hold() {
	if x.rng.IntN(4) == 0 {
		x.w.Spend(5 * time.Millisecond)
	}
}

// request makes one at random, and what its answer must be. The server ends the connection behind the last.
func (x *tossed) request(last bool) (sent []byte, want string) {
	body := patterned[x.rng.IntN(1000):][:x.rng.IntN(1+x.rng.IntN(10_000))]
	want = sum(bytes.NewReader(body))
	path := []string{"/", "/late", "/flush", "/big"}[x.rng.IntN(4)]
	head := "POST " + path + " HTTP/1.1\r\nHost: a\r\nX-Sum: " + want + "\r\n"
	if last {
		head += "Connection: close\r\n"
	}
	if path == "/big" {
		want = strings.Repeat(want, 400)
	}
	if x.rng.IntN(2) == 0 {
		return append(fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", head, len(body)), body...), want
	}
	sent = []byte(head + "Transfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		n := min(1+x.rng.IntN(3000), len(body))
		sent = append(fmt.Appendf(sent, "%x;x=y\r\n", n), body[:n]...)
		sent = append(sent, "\r\n"...)
		body = body[n:]
	}
	return append(sent, "0\r\nX-Trailer: z\r\n\r\n"...), want
}

// client sends some requests, in pieces and without waiting for answers, and reads the answers; or it
// vanishes in between.
func (x *tossed) client(task *corolla.Task) error {
	c, err := aio.Dial(task, "tcp", x.s.addr)
	if err != nil {
		return err
	}
	var all []byte
	var wants []string
	for i := x.rng.IntN(4); i >= 0; i-- {
		sent, want := x.request(i == 0)
		all, wants = append(all, sent...), append(wants, want)
	}
	vanish := -1
	if x.rng.IntN(4) == 0 {
		vanish = x.rng.IntN(len(all))
	}
	hears := corolla.Go(task.Loop(), func(task *corolla.Task) ([]byte, error) { return io.ReadAll(c.Bind(task)) })
	err = x.send(task, c, all, vanish)
	if vanish >= 0 {
		_ = c.Abort() // or the server has
		_, _ = hears.Await(task)
		return nil
	}
	got, readErr := hears.Await(task)
	if err := errors.Join(err, readErr, c.Close()); err != nil {
		return fmt.Errorf("seed %d: %w", x.seed, err)
	}
	answers := answers(got)
	if len(answers) != len(wants) {
		x.Errorf("seed %d: %d answers, want %d", x.seed, len(answers), len(wants))
	}
	for i, a := range answers[:min(len(answers), len(wants))] {
		if a.status != http.StatusOK || a.broken || a.body != wants[i] {
			x.Errorf("seed %d: answer %d is %v, want %.100q", x.seed, i, a, wants[i])
		}
	}
	return nil
}

func (x *tossed) send(task *corolla.Task, c *aio.Conn, all []byte, vanish int) error {
	for at := 0; at < len(all); {
		if vanish >= 0 && at >= vanish {
			return nil
		}
		n := min(1+x.rng.IntN(4000), len(all)-at)
		if _, err := c.Write(task, all[at:at+n]); err != nil {
			return err
		}
		at += n
		if x.rng.IntN(3) == 0 {
			if err := task.Sleep(time.Duration(x.rng.IntN(3000)) * time.Microsecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// Write is told of the server's errors.
func (x *tossed) Write(text []byte) (int, error) {
	x.Errorf("seed %d: the server reports: %s", x.seed, text)
	return len(text), nil
}

func (x *tossed) run() {
	x.rng = rand.New(rand.NewPCG(x.seed, 1))
	x.w = sim.New(x.seed, sim.Buffer(1<<(9+x.rng.IntN(8))))
	l := x.w.NewLoop(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { x.Errorf("seed %d: error handler: %v", x.seed, err) }))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Method", r.Method)
		x.serve(w, r)
	})
	if err := l.Run(func(task *corolla.Task) error {
		x.s = startServer(x, l, h, func(s *web.Server) { s.ErrorLog = log.New(x, "", 0) })
		err := task.Group(func(g *corolla.Group) error {
			for range 3 {
				g.Go(x.client)
			}
			return nil
		})
		x.s.stop(x, task)
		return err
	}); err != nil {
		x.Errorf("seed %d: %v", x.seed, err)
	}
	leaktest.Close(x, l)
	if n := x.w.Open(); n != 0 || x.began != x.ended {
		x.Errorf("seed %d: %d descriptors left open, %d handlers began and %d ended", x.seed, n, x.began, x.ended)
	}
}

func TestManySeeds(t *testing.T) {
	whole := 0
	for seed := range uint64(1000) {
		x := &tossed{T: t, seed: seed}
		x.run()
		whole += x.whole
		if t.Failed() {
			return
		}
	}
	if whole < 2000 {
		t.Errorf("only %d requests were whole: are the clients at work?", whole)
	}
}
