package websocket_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
	"github.com/gobwas/ws"
)

// raw is the other side of a connection, which says what a test wants it to.
type raw struct {
	*aio.Conn
	e      *env
	client bool // masks what it sends
}

// role is what our side of a connection is.
type role string

const (
	server role = "server"
	client role = "client"
)

var roles = []role{server, client}

// rawTo returns a connection to a Conn that use has, in a task.
func (e *env) rawTo(as role, use func(t *corolla.Task, c *websocket.Conn) error, opts ...websocket.Option) *raw {
	e.Helper()
	if as == client {
		return e.rawServer("", use, opts...)
	}
	return e.rawClient("", use, opts...)
}

const askForWebSocket = "GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

// rawClient connects to a server whose handler is use.
func (e *env) rawClient(extensions string, use func(t *corolla.Task, c *websocket.Conn) error, opts ...websocket.Option) *raw {
	e.Helper()
	ln := e.listen()
	serve(e.loop, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, opts...)
		if err != nil {
			e.Errorf("Accept: %v", err)
			return
		}
		defer c.CloseNow()
		if err := use(web.Task(r), c); err != nil && !ends(err) {
			e.Errorf("the server: %v", err)
		}
	}))
	c, err := aio.Dial(e.task, "tcp", ln.Addr().String(), smallBuffers...)
	e.must(err)
	e.ends = append(e.ends, c)
	p := &raw{c, e, true}
	if extensions != "" {
		extensions = "Sec-WebSocket-Extensions: " + extensions + "\r\n"
	}
	p.send([]byte(askForWebSocket + extensions + "\r\n"))
	if head := p.head(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		e.Fatalf("the server says %q", head)
	}
	return p
}

// rawServer is connected to by a client that use has.
func (e *env) rawServer(extensions string, use func(t *corolla.Task, c *websocket.Conn) error, opts ...websocket.Option) *raw {
	e.Helper()
	ln := e.listen()
	e.aside(func(t *corolla.Task) error {
		c, _, err := websocket.Dial(t, "ws://"+ln.Addr().String()+"/chat", opts...)
		if err != nil {
			return err
		}
		defer c.CloseNow()
		if err := use(t, c); err != nil && !ends(err) {
			return err
		}
		return nil
	})
	c, err := ln.Accept(e.task)
	e.must(err)
	e.ends = append(e.ends, c)
	p := &raw{c, e, false}
	_, key, _ := strings.Cut(p.head(), "Sec-Websocket-Key: ")
	key, _, _ = strings.Cut(key, "\r\n")
	if extensions != "" {
		extensions = "Sec-WebSocket-Extensions: " + extensions + "\r\n"
	}
	p.send([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + websocket.AcceptKey(key) + "\r\n" + extensions + "\r\n"))
	return p
}

// head reads the head of a request or a response.
func (p *raw) head() string {
	p.e.Helper()
	b, err := p.ReadUntil(p.e.task, []byte("\r\n\r\n"))
	p.e.must(err)
	return string(b)
}

// send writes bytes as they are. The other side may have gone.
func (p *raw) send(b []byte) { _, _ = p.Write(p.e.task, b) }

// frame is a frame as it is sent or expected; op has the first four bits too.
type frame struct {
	op   byte
	text string
}

const (
	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10
)

func text(s string) frame   { return frame{fin | 1, s} }
func binary(s string) frame { return frame{fin | 2, s} }
func begin(s string) frame  { return frame{1, s} }
func more(s string) frame   { return frame{0, s} }
func last(s string) frame   { return frame{fin, s} }
func ping(s string) frame   { return frame{fin | 9, s} }
func pong(s string) frame   { return frame{fin | 10, s} }
func bye(code int, s string) frame {
	return frame{fin | 8, string([]byte{byte(code >> 8), byte(code)}) + s}
}
func (f frame) String() string { return fmt.Sprintf("%02x:%s", f.op, brief(f.text)) }

func repeat(n int, f frame) (all []frame) {
	for range n {
		all = append(all, f)
	}
	return all
}

func brief(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%q… (%d bytes)", s[:40], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// bytes returns a frame as it is sent.
func (f frame) bytes(masked bool) []byte {
	h := ws.Header{Fin: f.op&fin != 0, Rsv: f.op >> 4 & 7, OpCode: ws.OpCode(f.op & 15), Length: int64(len(f.text)), Masked: masked}
	payload := []byte(f.text)
	if masked {
		h.Mask = [4]byte{0x12, 0x34, 0xab, 0xcd}
		ws.Cipher(payload, h.Mask, 0)
	}
	var b bytes.Buffer
	_ = ws.WriteHeader(&b, h)
	b.Write(payload)
	return b.Bytes()
}

func (p *raw) bytes(all ...frame) (b []byte) {
	for _, f := range all {
		b = append(b, f.bytes(p.client)...)
	}
	return b
}

func (p *raw) say(all ...frame) { p.send(p.bytes(all...)) }

// hear reads a frame, and checks its mask.
func (p *raw) hear() (frame, error) {
	r := p.Bind(p.e.task)
	h, err := ws.ReadHeader(r)
	if err != nil {
		return frame{}, err
	}
	if h.Masked == p.client {
		return frame{}, errors.New("masked by a server, or not masked by a client")
	}
	b := make([]byte, h.Length)
	if _, err := io.ReadFull(r, b); err != nil {
		return frame{}, err
	}
	if h.Masked {
		ws.Cipher(b, h.Mask, 0)
	}
	op := h.Rsv<<4 | byte(h.OpCode)
	if h.Fin {
		op |= fin
	}
	return frame{op, string(b)}, nil
}

// hears reads frames, and wants just those.
func (p *raw) hears(want ...frame) {
	p.e.Helper()
	for i, w := range want {
		if got, err := p.hear(); got != w || err != nil {
			p.e.Fatalf("frame %d of %d is %v, %v; want %v", i+1, len(want), got, err, w)
		}
	}
}

// hearsEnd wants the end of the stream.
func (p *raw) hearsEnd() {
	p.e.Helper()
	if f, err := p.hear(); err != io.EOF {
		p.e.Errorf("at the end: %v, %v", f, err)
	}
}

// deflated compresses a message as a peer might.
func deflated(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	_, _ = io.WriteString(w, s)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func inflated(s string) (string, error) {
	b, err := io.ReadAll(flate.NewReader(strings.NewReader(s + "\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	return string(b), err
}
