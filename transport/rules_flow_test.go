package transport_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// telling is a producer of either kind that says what it is told, and its connection's protocol too.
type telling struct {
	recorder
	writes int // how much it writes each time it is asked
	times  int // how often it does, until it unregisters; 0 is for ever
}

func (p *telling) Pause() { p.say("pause") }

func (p *telling) Resume() {
	p.say("resume")
	if p.writes > 0 {
		_ = p.conn.Write(make([]byte, p.writes))
	}
	if p.times--; p.times == 0 {
		p.conn.UnregisterProducer()
		p.say("unregistered")
	}
}

func (p *telling) Stop() { p.say("stop") }

// rule27 is what a producer does, and is told.
type rule27 struct {
	writes, times int
	do            func(p *telling) error // within Data
	want          string
	err           error
}

func rules27() map[string]rule27 {
	push := func(p *telling) error { return p.conn.RegisterProducer(p) }
	pull := func(p *telling) error { return p.conn.RegisterPullProducer(p) }
	full := func(p *telling, n int) { // nothing leaves within a call of Data
		p.say("%d", n)
		_ = p.conn.Write(make([]byte, n-p.conn.Buffered()))
		p.say("written")
	}
	return map[string]rule27{
		"push": {do: func(p *telling) error {
			err := push(p)
			full(p, corolla.DefaultHighWater)
			full(p, corolla.DefaultHighWater+1)
			full(p, corolla.DefaultHighWater+2)
			return err
		}, want: "65536 written 65537 pause written 65538 written data returns resume stop closed"},
		"registered above the mark": {do: func(p *telling) error {
			full(p, corolla.DefaultHighWater+1)
			return push(p)
		}, want: "65537 written pause data returns resume stop closed"},
		"pull": {writes: 100_000, times: 3, do: func(p *telling) error {
			err := pull(p)
			p.say("registered")
			return err
		}, want: "resume registered data returns resume resume unregistered closed"},
		"pull without end":                {do: func(p *telling) error { p.times = -1; return pull(p) }, want: "resume data returns ... stop closed"},
		"a second one":                    {do: func(p *telling) error { return errors.Join(push(p), push(p)) }, want: "data returns stop closed", err: transport.ErrProducing},
		"a second one, of the other kind": {do: func(p *telling) error { return errors.Join(push(p), pull(p)) }, want: "data returns stop closed", err: transport.ErrProducing},
		"another behind it": {do: func(p *telling) error {
			err := push(p)
			p.conn.UnregisterProducer()
			return errors.Join(err, push(p))
		}, want: "data returns stop closed"},
		"behind Abort":           {do: func(p *telling) error { p.conn.Abort(); return push(p) }, want: "stop data returns closed"},
		"pull, behind Abort":     {do: func(p *telling) error { p.conn.Abort(); return pull(p) }, want: "stop data returns closed"},
		"Abort of one's own":     {do: func(p *telling) error { err := push(p); p.conn.Abort(); return err }, want: "stop data returns closed"},
		"unregistered, and lost": {do: func(p *telling) error { err := push(p); p.conn.UnregisterProducer(); return err }, want: "data returns closed"},
	}
}

// TestRule27Producers: a push producer is paused within the write that takes the buffer above 65,536 bytes, and not by one
// that takes it to them, and resumed at the low mark; a pull producer is asked within its registration, and when
// everything is sent; a second one is refused; one that comes too late is stopped at once; and Stop comes before Closed.
func TestRule27Producers(t *testing.T) {
	for name, c := range rules27() {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				p := &telling{writes: c.writes, times: c.times}
				p.onData = func(conn *transport.Conn, _ []byte) {
					p.said = nil
					if err := c.do(p); !errors.Is(err, c.err) {
						t.Errorf("registering: %v, want %v", err, c.err)
					}
					p.say("data returns")
				}
				srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return p })
				if err != nil {
					t.Fatal(err)
				}
				client, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, task, client, "x")
				for n, b := 0, make([]byte, 64<<10); n < c.writes*c.times || p.conn == nil || p.conn.Buffered() > 0; {
					m, err := client.Read(task, b)
					if n += m; err != nil {
						t.Fatal(err)
					}
				}
				until(t, task, func() bool { return strings.Contains(p.String(), "returns") })
				p.conn.Abort()
				_ = p.wait(t, task)
				got := p.String()
				if front, back, cut := strings.Cut(c.want, "..."); cut && strings.HasPrefix(got, front) && strings.HasSuffix(got, back) {
					got = c.want
				}
				if got != c.want {
					t.Errorf("told %q\nwant %q", got, c.want)
				}
				_, _ = client.Close(), srv.Close()
			})
		})
	}
}

// limiting is a line receiver that says what is too long, with the whole rest.
type limiting struct {
	said []string
	over corolla.Event
	stay bool // open, in raw mode
}

func (*limiting) Opened(*transport.Receiver)                {}
func (h *limiting) Message(_ *transport.Receiver, m []byte) { h.said = append(h.said, string(m)) }
func (h *limiting) Raw(_ *transport.Receiver, b []byte)     { h.said = append(h.said, "rest:"+string(b)) }
func (h *limiting) DecodeError(r *transport.Receiver, _ error) {
	h.said = append(h.said, "too long")
	if h.stay {
		r.SetRaw()
	}
}

func (h *limiting) Closed(_ *transport.Receiver, err error) {
	if h.said = append(h.said, "closed"); errors.Is(err, framing.ErrTooLong) {
		h.said = append(h.said, "with that")
	}
	h.over.Set()
}

// TestRule34LineLimits: a line of the limit is one; of a byte more is too long; so is what has no end after the limit and the
// delimiter's length, without waiting for more. The whole rest can be had, and unless it is, the connection is closed.
func TestRule34LineLimits(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"12345\r\n", "12345 closed"},
		{"123456\r\nnext\r\n", "too long closed with that"},
		{"1234567", "too long closed with that"}, // 5, and 2 for the delimiter
		{"123456", "closed"},                     // it may still have come to be a delimiter
		{"12345\r", "closed"},
		{"a\r\n1234567", "a too long closed with that"},
		{"a\r\n123456\r\nb\r\n", "a too long closed with that"},
	} {
		for _, stay := range []bool{false, true} {
			onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				h := &limiting{stay: stay}
				srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
					return transport.NewReceiver(&framing.Lines{Delimiter: "\r\n", Max: 5}, h)
				})
				if err != nil {
					t.Fatal(err)
				}
				client, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, task, client, c.in)
				if !strings.Contains(c.want, "too long") || stay { // else the server closes by itself
					_ = client.CloseWrite()
				}
				if err := h.over.Wait(task); err != nil {
					t.Fatal(err)
				}
				want, rest := c.want, ""
				if at := strings.Index(c.in, "1234"); stay && strings.Contains(want, "too long") {
					want, rest = strings.TrimSuffix(want, " closed with that"), c.in[at:]
				}
				got := strings.Join(h.said, " ")
				if rest != "" {
					before, after, _ := strings.Cut(got, " rest:")
					got, after = before, strings.ReplaceAll(after, " rest:", "")
					if after != rest+" closed" {
						t.Errorf("%q: the rest is %q, want %q", c.in, after, rest)
					}
				}
				if got != want {
					t.Errorf("%q: told %q, want %q", c.in, got, want)
				}
				_, _ = client.Close(), srv.Close()
			})
		}
	}
	if fmt.Sprint(framing.DefaultMaxLine, framing.DefaultMaxString) != "16384 99999" {
		t.Error("the limits are not Twisted's")
	}
}
