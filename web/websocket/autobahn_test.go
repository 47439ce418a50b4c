package websocket_test

import (
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
)

// The cases of the Autobahn test suite, by its numbers, against an endpoint that echoes, as a server and
// as a client. What is sent is sent whole, and if it is short byte by byte too.

// testCase is one of them.
type testCase struct {
	id   string
	send []frame
	want []frame // of messages and pongs; then comes the close frame
	code int     // of the close frame; 0 is that of a normal end, which the test begins; -1 if want has it
}

const usual = 1000

var all125 = strings.Repeat("\xfe", 125)

var framing = []testCase{
	{id: "1.1.1", send: []frame{text("")}, want: []frame{text("")}},
	{id: "1.1.2", send: []frame{text(strings.Repeat("*", 125))}, want: []frame{text(strings.Repeat("*", 125))}},
	{id: "1.1.3", send: []frame{text(strings.Repeat("*", 126))}, want: []frame{text(strings.Repeat("*", 126))}},
	{id: "1.1.4", send: []frame{text(strings.Repeat("*", 127))}, want: []frame{text(strings.Repeat("*", 127))}},
	{id: "1.1.5", send: []frame{text(strings.Repeat("*", 128))}, want: []frame{text(strings.Repeat("*", 128))}},
	{id: "1.1.6", send: []frame{text(strings.Repeat("*", 65535))}, want: []frame{text(strings.Repeat("*", 65535))}},
	{id: "1.1.7", send: []frame{text(strings.Repeat("*", 65536))}, want: []frame{text(strings.Repeat("*", 65536))}},
	{id: "1.2.1", send: []frame{binary("")}, want: []frame{binary("")}},
	{id: "1.2.2", send: []frame{binary(all125)}, want: []frame{binary(all125)}},
	{id: "1.2.3", send: []frame{binary(all125 + "\xfe")}, want: []frame{binary(all125 + "\xfe")}},
	{id: "1.2.6", send: []frame{binary(strings.Repeat("\xfe", 65535))}, want: []frame{binary(strings.Repeat("\xfe", 65535))}},
	{id: "1.2.7", send: []frame{binary(strings.Repeat("\xfe", 65536))}, want: []frame{binary(strings.Repeat("\xfe", 65536))}},
}

var pings = []testCase{
	{id: "2.1", send: []frame{ping("")}, want: []frame{pong("")}},
	{id: "2.2", send: []frame{ping("Hello, world!")}, want: []frame{pong("Hello, world!")}},
	{id: "2.3", send: []frame{ping("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")}, want: []frame{pong("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")}},
	{id: "2.4", send: []frame{ping(all125)}, want: []frame{pong(all125)}},
	{id: "2.5", send: []frame{ping(all125 + "\xfe")}, code: 1002},
	{id: "2.7", send: []frame{pong("")}},
	{id: "2.8", send: []frame{pong("unsolicited")}},
	{id: "2.9", send: []frame{pong("unsolicited"), ping("ping")}, want: []frame{pong("ping")}},
	{id: "2.10", send: repeat(10, ping("payload")), want: repeat(10, pong("payload"))},
}

var reserved = []testCase{
	{id: "3.1", send: []frame{{fin | rsv1 | 1, "small"}}, code: 1002},
	{id: "3.2", send: []frame{text("small"), {fin | rsv2 | 1, "small"}, ping("")}, want: []frame{text("small")}, code: 1002},
	{id: "3.3", send: []frame{text("small"), {fin | rsv1 | rsv2 | 1, "small"}, ping("")}, want: []frame{text("small")}, code: 1002},
	{id: "3.4", send: []frame{text("small"), {fin | rsv3 | 1, "small"}, ping("")}, want: []frame{text("small")}, code: 1002},
	{id: "3.5", send: []frame{{fin | rsv1 | rsv3 | 2, all125}}, code: 1002},
	{id: "3.6", send: []frame{{fin | rsv2 | rsv3 | 9, "ping"}}, code: 1002},
	{id: "3.7", send: []frame{{fin | rsv1 | rsv2 | rsv3 | 8, "\x03\xe8"}}, code: 1002},
}

func opcodes() (all []testCase) {
	for i, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		id := "4.1." + string(rune('1'+i%5))
		if op > 7 {
			id = "4.2." + string(rune('1'+i%5))
		}
		all = append(all, testCase{id: id + " alone", send: []frame{{fin | op, ""}}, code: 1002},
			testCase{id: id, send: []frame{text("Hello"), {fin | op, "payload"}, ping("")}, want: []frame{text("Hello")}, code: 1002})
	}
	return all
}

var fragments = []testCase{
	{id: "5.1", send: []frame{{9, "fragment1"}, last("fragment2")}, code: 1002},
	{id: "5.2", send: []frame{{10, "fragment1"}, last("fragment2")}, code: 1002},
	{id: "5.3", send: []frame{begin("fragment1"), last("fragment2")}, want: []frame{text("fragment1fragment2")}},
	{id: "5.6", send: []frame{begin("fragment1"), ping("ping"), last("fragment2")}, want: []frame{pong("ping"), text("fragment1fragment2")}},
	{id: "5.9", send: []frame{last("non-continuation"), text("Hello")}, code: 1002},
	{id: "5.12", send: []frame{more("non-continuation"), text("Hello")}, code: 1002},
	{
		id:   "5.15",
		send: []frame{begin("fragment1"), last("fragment2"), more("fragment3"), text("fragment4")},
		want: []frame{text("fragment1fragment2")}, code: 1002,
	},
	{id: "5.16", send: []frame{more("fragment1"), begin("fragment2"), last("fragment3")}, code: 1002},
	{id: "5.17", send: []frame{last("fragment1"), begin("fragment2"), last("fragment3")}, code: 1002},
	{id: "5.18", send: []frame{begin("fragment1"), text("fragment2")}, code: 1002},
	{
		id: "5.19",
		send: []frame{
			begin("fragment1"), more("fragment2"), ping("pongme 1"), more("fragment3"), more("fragment4"), ping("pongme 2"), last("fragment5"),
		},
		want: []frame{pong("pongme 1"), pong("pongme 2"), text("fragment1fragment2fragment3fragment4fragment5")},
	},
	{id: "5.20 empty", send: []frame{begin(""), more(""), ping(""), last("")}, want: []frame{pong(""), text("")}},
	{id: "5 binary", send: []frame{{2, "\xff"}, more(""), last("\xfe")}, want: []frame{binary("\xff\xfe")}},
}

func TestAutobahnFraming(t *testing.T)       { run(t, framing) }
func TestAutobahnPings(t *testing.T)         { run(t, pings) }
func TestAutobahnReservedBits(t *testing.T)  { run(t, reserved) }
func TestAutobahnOpcodes(t *testing.T)       { run(t, opcodes()) }
func TestAutobahnFragmentation(t *testing.T) { run(t, fragments) }

// run runs cases in both roles and on both hosts, each time all of them on one loop.
func run(t *testing.T, cases []testCase) {
	t.Helper()
	for _, as := range roles {
		t.Run(string(as), func(t *testing.T) {
			eachHost(t, func(e *env) {
				for _, c := range cases {
					e.play(as, c)
				}
			})
		})
	}
}

// play sends a case whole, and then, unless it is long, or -short is given, in pieces.
func (e *env) play(as role, c testCase) {
	e.Helper()
	defer func() {
		if e.Failed() {
			e.Logf("that was in case %s, or before", c.id)
		}
	}()
	p := e.rawTo(as, echo)
	e.exchange(p, c, 0)
	if testing.Short() {
		return
	}
	if size := len(p.bytes(c.send...)); size < 300 {
		e.exchange(e.rawTo(as, echo), c, 1)
	} else if size < 100_000 {
		e.exchange(e.rawTo(as, echo), c, 997)
	}
}

func (e *env) exchange(p *raw, c testCase, piece int) {
	e.Helper()
	code := c.code
	send := c.send
	if code == 0 {
		code = usual
		send = append(send[:len(send):len(send)], bye(usual, ""))
	}
	wrote := e.aside(func(t *corolla.Task) error {
		p.pieces(t, p.bytes(send...), piece)
		return nil
	})
	p.hears(c.want...)
	if code >= 0 {
		p.hears(bye(code, ""))
	}
	p.hearsEnd()
	e.await(wrote)
	_ = p.Close()
}

// pieces writes in pieces, each of which arrives by itself, as far as that can be had. The other side may
// go meanwhile.
func (p *raw) pieces(t *corolla.Task, b []byte, size int) {
	if size == 0 {
		size = max(len(b), 1)
	}
	for len(b) > 0 {
		n := min(size, len(b))
		if _, err := p.Write(t, b[:n]); err != nil || p.Flush(t) != nil || t.Yield() != nil {
			return
		}
		b = b[n:]
	}
}
