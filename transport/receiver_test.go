package transport_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// script is a handler that does what messages say, and writes down what it is told:
//
//	raw     raw mode; the next ';' in it ends it
//	nets    netstrings from here on, and "lines" in one of them the lines again
//	pause   no more, until 3 turns later
//	blink   a pause that is over at once
//	close, abort
type script struct {
	recorder
	lines, nets framing.Decoder
	raw         string // what raw mode has got
}

func newScript() (*script, *transport.Receiver) {
	s := &script{lines: &framing.Lines{Max: 20}, nets: &framing.Netstrings{}}
	return s, transport.NewReceiver(s.lines, s)
}

func (s *script) Opened(r *transport.Receiver) { s.recorder.Opened(r.Conn) }

func (s *script) Message(r *transport.Receiver, m []byte) {
	s.say("%q", m)
	switch string(m) {
	case "raw":
		s.raw = ""
		r.SetRaw()
	case "nets":
		r.SetDecoder(s.nets, nil)
	case "lines":
		r.SetDecoder(s.lines, nil)
	case "pause":
		r.PauseReading()
		l := r.Socket().Loop()
		l.Soon(func() { l.Soon(func() { l.Soon(func() { s.say("resumed"); r.ResumeReading() }) }) })
	case "blink":
		r.PauseReading()
		r.ResumeReading()
	case "close":
		r.Close()
	case "abort":
		r.Abort()
	}
}

func (s *script) Raw(r *transport.Receiver, b []byte) {
	head, rest, over := strings.Cut(string(b), ";")
	if s.raw += head; over {
		s.say("raw %q", s.raw)
		r.SetDecoder(s.lines, []byte(rest))
	}
}

func (s *script) Closed(r *transport.Receiver, err error) { s.recorder.Closed(r.Conn, err) }

// TestRules34And35EverySplit: raw mode and back, pauses, other decoders and limits, with the stream in
// two pieces cut anywhere, whole, and byte by byte.
func TestRules34And35EverySplit(t *testing.T) {
	for _, c := range []struct {
		in, want string
		is       error
	}{
		{"one\r\ntwo\n\nrest", `"one" "two" ""`, nil},
		{"raw\r\nx\ny;z\nraw\n;\n", `"raw" raw "x\ny" "z" "raw" raw "" ""`, nil},
		{"raw\n;raw\n;raw\n;end\n", `"raw" raw "" "raw" raw "" "raw" raw "" "end"`, nil},
		{"nets\n1:a,5:lines,b\nnets\n3:raw,x;c\n", `"nets" "a" "lines" "b" "nets" "raw" raw "x" "c"`, nil},
		{"a\npause\nb\nc\n", `"a" "pause" resumed "b" "c"`, nil},
		{"pause\npause\nraw\nx;pause\nb\n", `"pause" resumed "pause" resumed "raw" raw "x" "pause" resumed "b"`, nil},
		{"nets\n5:pause,1:a,5:blink,1:b,", `"nets" "pause" resumed "a" "blink" "b"`, nil},
		{"blink\nb\n", `"blink" "b"`, nil},
		{"a\nclose\nb\n", `"a" "close"`, nil},
		{"a\nabort\nb\n", `"a" "abort"`, transport.ErrAborted},
		{"pause\nclose\nb\n", `"pause" resumed "close"`, nil},
		{"a\n" + strings.Repeat("x", 21) + "\nb\n", `"a"`, framing.ErrTooLong},
		{"a\n" + strings.Repeat("x", 30), `"a"`, framing.ErrTooLong},
		{"nets\n1:a,01:b,", `"nets" "a"`, framing.ErrMalformed},
	} {
		onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
			srv := &scripts{}
			ln, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", srv.build)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			for cut := -1; cut < len(c.in); cut++ {
				said, err := srv.play(t, task, ln.Addr().String(), c.in, cut)
				if said != "opened "+c.want+" closed" || !errors.Is(err, c.is) || (c.is == nil) != (err == nil) {
					t.Errorf("%q, cut at %d: %s, %v; want %s, %v", c.in, cut, said, err, c.want, c.is)
				}
			}
		})
	}
}

// scripts makes them for a server.
type scripts struct{ last *script }

func (s *scripts) build(*transport.Conn) transport.Protocol {
	h, r := newScript()
	s.last = h
	return r
}

// play sends text in two pieces, or byte by byte if cut is below 0, each in a turn of its own at
// least, and returns what the handler was told.
func (s *scripts) play(t *testing.T, task *corolla.Task, addr, text string, cut int) (string, error) {
	c, err := aio.Dial(task, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pieces := strings.Split(text, "")
	if cut >= 0 {
		pieces = []string{text[:cut], text[cut:]}
	}
	for _, p := range pieces {
		if _, err := c.Write(task, []byte(p)); err != nil {
			break // it has closed
		}
		for range 3 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = c.CloseWrite()
	h := s.last
	err = h.wait(t, task)
	return h.String(), err
}

// TestDecodeErrorMayAnswer: what it writes arrives, and it may go on otherwise.
func TestDecodeErrorMayAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(r *transport.Receiver)
		want   string
		is     error
	}{
		"an answer": {func(r *transport.Receiver) { _ = r.Write([]byte("too long")) }, "too long", framing.ErrTooLong},
		"raw":       {func(r *transport.Receiver) { r.SetRaw() }, "raw 0123456789\n", nil},
		"abort":     {func(r *transport.Receiver) { r.Abort() }, "", transport.ErrAborted},

		"raw and abort": {func(r *transport.Receiver) { r.SetRaw(); r.Abort() }, "", transport.ErrAborted},
		"raw and close": {func(r *transport.Receiver) { r.SetRaw(); r.Close() }, "", framing.ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				h := &answering{answer: c.answer}
				srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
					return transport.NewReceiver(&framing.Lines{Max: 5}, h)
				})
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				client, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, task, client, "0123456789\n")
				_ = client.CloseWrite()
				got, _ := readAll(t, task, client)
				if err := h.ended.Wait(task); got != c.want || !errors.Is(h.closed, c.is) || err != nil {
					t.Errorf("the client got %q, Closed %v; %v", got, h.closed, err)
				}
				_ = client.Close()
			})
		})
	}
}

type answering struct {
	answer func(r *transport.Receiver)
	ended  corolla.Event
	closed error
}

func (*answering) Opened(*transport.Receiver)                   {}
func (*answering) Message(*transport.Receiver, []byte)          {}
func (a *answering) DecodeError(r *transport.Receiver, _ error) { a.answer(r) }
func (a *answering) Closed(_ *transport.Receiver, err error)    { a.closed = err; a.ended.Set() }
func (*answering) Raw(r *transport.Receiver, b []byte)          { _ = r.Write(fmt.Appendf(nil, "raw %s", b)) }

// TestStartTLSTakesWhatIsHeld: what came with the request, in the clear, is no message of the encrypted
// stream. A client that does not wait is served; one that puts words in another's mouth is not.
func TestStartTLSTakesWhatIsHeld(t *testing.T) {
	ca := certtest.New(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Now().Add(time.Hour), "x")}}
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var lines []string
		var ended corolla.Event
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
			return transport.NewReceiver(&framing.Lines{}, &upgrading{cfg, &lines, &ended})
		})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		c, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, task, c, "starttls\r\nevil\r\n")
		err = c.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "x"})
		if err == nil {
			t.Error("the handshake went on behind what was said in the clear")
		}
		_ = c.Close()
		if err := ended.Wait(task); err != nil {
			t.Fatal(err)
		}
		ended.Clear()
		if c, err = aio.Dial(task, "tcp", srv.Addr().String()); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, task, c, "starttls\r\n")
		if err := c.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "x"}); err != nil {
			t.Error(err)
		}
		mustWrite(t, task, c, "good\r\n")
		_ = c.Close()
		if err := ended.Wait(task); err != nil || !slices.Equal(lines, []string{"starttls", "starttls", "good"}) {
			t.Errorf("lines %q, %v", lines, err)
		}
	})
}

type upgrading struct {
	cfg   *tls.Config
	lines *[]string
	ended *corolla.Event
}

func (*upgrading) Opened(*transport.Receiver)          {}
func (u *upgrading) Closed(*transport.Receiver, error) { u.ended.Set() }
func (u *upgrading) Message(r *transport.Receiver, m []byte) {
	if *u.lines = append(*u.lines, string(m)); string(m) == "starttls" {
		_ = r.ServerTLS(u.cfg, func(error) {})
	}
}

// TestHandlerMayNotEmbedAReceiver, which would ask itself for ever.
func TestHandlerMayNotEmbedAReceiver(t *testing.T) {
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, "embedding embeds a Receiver") {
			t.Errorf("panicked with %q", said)
		}
	}()
	transport.NewReceiver(&framing.Lines{}, &embedding{})
}

type embedding struct {
	*transport.Receiver
	answering
}

func (e *embedding) Opened(r *transport.Receiver)            { e.answering.Opened(r) }
func (e *embedding) Closed(r *transport.Receiver, err error) { e.answering.Closed(r, err) }

// TestSetProtocolOfAReceiver: it goes on with a connection that is open already.
func TestSetProtocolOfAReceiver(t *testing.T) {
	serve(t, &recorder{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		until(t, task, func() bool { return rec().conn != nil })
		h, r := newScript()
		rec().conn.SetProtocol(r)
		mustWrite(t, task, client, "a\nclose\n")
		if err := h.wait(t, task); err != nil || h.String() != `"a" "close" closed` {
			t.Errorf("%s, %v", h, err)
		}
	})
}

// TestStates: a head of two digits says how long the body is, and "00" that it is over.
func TestStates(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		is       error
	}{
		"several":  {"02ab03cde00behind", "ab cde end", nil},
		"cut off":  {"02ab03c", "ab", nil},
		"too long": {"02ab-1", "ab", framing.ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			for cut := range len(c.in) {
				onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
					var got []string
					var over corolla.Event
					var why error
					var head transport.State
					body := func(r *transport.Receiver, b []byte) (int, transport.State) {
						got = append(got, string(b))
						return 2, head
					}
					head = func(r *transport.Receiver, b []byte) (int, transport.State) {
						switch string(b) {
						case "00":
							return 0, func(r *transport.Receiver, b []byte) (int, transport.State) { got = append(got, "end"); return 0, nil }
						case "-1":
							return framing.DefaultMaxString + 1, body
						}
						return int(b[1] - '0'), body
					}
					srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
						return transport.NewStates(func(*transport.Receiver) (int, transport.State) { return 2, head },
							func(_ *transport.Receiver, err error) { why = err; over.Set() })
					})
					if err != nil {
						t.Fatal(err)
					}
					defer srv.Close()
					client, err := aio.Dial(task, "tcp", srv.Addr().String())
					if err != nil {
						t.Fatal(err)
					}
					defer client.Close()
					mustWrite(t, task, client, c.in[:cut])
					pause(t, task, time.Microsecond)
					_, _ = client.Write(task, []byte(c.in[cut:])) // or it has closed
					_ = client.CloseWrite()
					if err := over.Wait(task); err != nil || strings.Join(got, " ") != c.want || !errors.Is(why, c.is) {
						t.Errorf("cut at %d: %q, Closed %v; %v", cut, got, why, err)
					}
				})
			}
		})
	}
}
