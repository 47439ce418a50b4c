package twisted

import (
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// messages is a handler that says what it gets, and what its functions make of it.
type messages struct {
	r       *scenario.Run
	kind    string
	message func(r *transport.Receiver, m string)
	tooLong func()
	closed  bool // is said
}

func (h *messages) Opened(*transport.Receiver) {}

func (h *messages) Message(r *transport.Receiver, m []byte) {
	h.r.Say("%s: %s", h.kind, m)
	if h.message != nil {
		h.message(r, string(m))
	}
}

func (h *messages) DecodeError(*transport.Receiver, error) {
	if h.tooLong != nil {
		h.tooLong()
	}
}

func (h *messages) Closed(*transport.Receiver, error) {
	if h.closed {
		h.r.Say("lost")
	}
}

// fed connects a Receiver, and sends it pieces of text, each some time after the one before.
func fed(t *corolla.Task, h transport.MessageHandler, d framing.Decoder, wait time.Duration, chunks ...string) *recorder {
	client := quiet(nil, "client")
	connect(t, transport.NewReceiver(d, h), client)
	for _, chunk := range chunks {
		_ = client.Write([]byte(chunk))
		_ = t.Sleep(wait * ms)
	}
	return client
}

func lineLimit(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		for _, chunks := range [][]string{
			{"short\r\n0123456789\r\n", "01234", "56789\r\n"},
			{"0123456789a\r\nnext\r\n"},
			{"0123456789a", "b"},
			{"0123456789\r", "\n", "ok\r\n0123456789ab"},
		} {
			r.Say("new connection")
			lines := &framing.Lines{Delimiter: "\r\n", Max: 10}
			h := &messages{r: r, kind: "line", closed: true}
			h.tooLong = func() { r.Say("too long: %s", strings.Trim(strconv.Quote(string(lines.Buffered())), `"`)) }
			client := fed(t, h, lines, 10, chunks...)
			client.Close()
			_ = t.Sleep(10 * ms)
		}
		return nil
	})
}

func lineAfterClose(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		h := &messages{r: r, kind: "line", closed: true}
		h.message = func(c *transport.Receiver, m string) {
			if m == "quit" {
				_ = c.Write([]byte("bye\r\n"))
				c.Close()
			}
		}
		client := fed(t, h, &framing.Lines{Delimiter: "\r\n"}, 10, "one\r\nquit\r\ntwo\r\n", "three\r\n")
		r.Say("client got %d bytes", client.got)
		return nil
	})
}

// raws is a handler of lines, some of which announce raw data.
type raws struct {
	messages
	lines framing.Lines
	left  int
	raw   []byte
}

func (h *raws) Message(r *transport.Receiver, m []byte) {
	h.messages.Message(r, m)
	if n, ok := strings.CutPrefix(string(m), "raw "); ok {
		h.left, _ = strconv.Atoi(n)
		r.SetRaw()
	}
}

func (h *raws) Raw(r *transport.Receiver, b []byte) {
	n := min(h.left, len(b))
	h.raw = append(h.raw, b[:n]...)
	if h.left -= n; h.left == 0 {
		h.r.Say("raw: %s", strings.ReplaceAll(string(h.raw), "\r\n", "|"))
		h.raw = nil
		r.SetDecoder(&h.lines, b[n:])
	}
}

func lineRaw(r *scenario.Run) {
	const all = "first\r\nraw 5\r\nab\r\ncsecond\r\nraw 3\r\nxyzraw 1\r\n!third\r\n"
	r.Main(func(t *corolla.Task) error {
		for _, size := range []int{len(all), 1, 7} {
			r.Say("in pieces of %d", size)
			var chunks []string
			for i := 0; i < len(all); i += size {
				chunks = append(chunks, all[i:min(i+size, len(all))])
			}
			h := &raws{messages: messages{r: r, kind: "line"}, lines: framing.Lines{Delimiter: "\r\n"}}
			client := fed(t, h, &h.lines, 1, chunks...)
			client.Close()
			_ = t.Sleep(100 * ms)
		}
		return nil
	})
}

func linePause(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		var server *transport.Receiver
		h := &messages{r: r, kind: "line"}
		h.message = func(c *transport.Receiver, m string) {
			if server = c; strings.HasPrefix(m, "pause") {
				c.PauseReading()
			}
		}
		lines := &framing.Lines{Delimiter: "\r\n"}
		client := fed(t, h, lines, 10, "one\r\npause 1\r\ntwo\r\npause 2\r\nthree\r\n", "four\r\n")
		for n := range 2 {
			r.Say("resume %d", n+1)
			server.ResumeReading()
			_ = t.Sleep(10 * ms)
		}
		client.Close()
		return t.Sleep(10 * ms)
	})
}

func netstringBad(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		for _, chunks := range [][]string{
			{"5:hello,0:,", "3:a", "bc,12:hello, world,"},
			{"1:a,01:b,1:c,"},
			{"1:a,2:bcd,1:e,"},
			{"1:a,x:b,"},
			{"1:a,13:"},
			{"1:a,13"},
			{"1:a,120"},
		} {
			r.Say("new connection: %s", strings.Join(chunks, " | "))
			h := &messages{r: r, kind: "string", closed: true}
			client := fed(t, h, &framing.Netstrings{Max: 12}, 10, chunks...)
			r.Say("client closes")
			client.Close()
			_ = t.Sleep(10 * ms)
		}
		return nil
	})
}

func prefixedStrings(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		for _, size := range []int{1, 2, 4} {
			r.Say("%d bytes", size)
			var chunks []string
			for _, s := range []string{"hello", "", "a string of 20 bytes", "a string of 21 bytes.", "no more"} {
				b := append(make([]byte, size-1), byte(len(s)))
				whole := string(b) + s
				n := min(3, len(whole))
				chunks = append(chunks, whole[:n], whole[n:])
			}
			h := &messages{r: r, kind: "string", closed: true}
			h.tooLong = func() { r.Say("too long") }
			client := fed(t, h, &framing.Prefixed{Size: size, Max: 20}, 10, chunks...)
			client.Close()
			_ = t.Sleep(10 * ms)
		}
		return nil
	})
}
