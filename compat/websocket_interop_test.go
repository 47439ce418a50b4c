package compat_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web/websocket"
)

// What package web/websocket says to other people's clients and servers: messages of several sizes there
// and back, compressed in each way that they know, a ping, and a close with a code and a reason.

// samples are messages that are sent there and back.
var samples = []string{
	"", "Hello", strings.Repeat("Hello, World! ", 10), strings.Repeat("*", 65535), strings.Repeat("0123456789abcdef", 5000),
}

const byeReason = "enough, thank you"

func TestWebSocketInterop(t *testing.T) {
	for name, test := range map[string]func(e *env) error{
		"client coder, plain":       func(e *env) error { return coderVisits(e, coder.CompressionDisabled) },
		"client coder, by message":  func(e *env) error { return coderVisits(e, coder.CompressionNoContextTakeover) },
		"client coder, takeover":    func(e *env) error { return coderVisits(e, coder.CompressionContextTakeover) },
		"server coder, plain":       func(e *env) error { return visitsCoder(e, coder.CompressionDisabled) },
		"server coder, by message":  func(e *env) error { return visitsCoder(e, coder.CompressionNoContextTakeover) },
		"server coder, takeover":    func(e *env) error { return visitsCoder(e, coder.CompressionContextTakeover) },
		"client Python, plain":      func(e *env) error { return pythonVisits(e, "compression=None") },
		"client Python, compressed": func(e *env) error { return pythonVisits(e, `compression="deflate"`) },
		"client Python, a small window": func(e *env) error {
			return pythonVisits(e, "extensions=[ClientPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=9)]")
		},
		"server Python, plain":      func(e *env) error { return visitsPython(e, "compression=None") },
		"server Python, compressed": func(e *env) error { return visitsPython(e, `compression="deflate"`) },
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "Python") {
				needPython(t)
			}
			onHub(t, nil, test)
		})
	}
}

// upgrade is a ResponseWriter just good enough to hand over its connection.
type upgrade struct {
	http.ResponseWriter
	conn net.Conn
	rw   *bufio.ReadWriter
}

func (u upgrade) Header() http.Header                          { return http.Header{} }
func (u upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) { return u.conn, u.rw, nil }
func (u upgrade) Write(b []byte) (int, error)                  { return len(b), nil }
func (u upgrade) WriteHeader(int)                              {}

// visitedBy starts a server that echoes for the one client that client is.
func (e *env) visitedBy(client func(address string) error) error {
	ln, err := e.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	address := ln.Addr().String()
	wait := e.side(func() error { return client(address) })
	c, err := ln.Accept()
	if err != nil {
		return err
	}
	rw := bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
	r, err := http.ReadRequest(rw.Reader)
	if err != nil {
		return err
	}
	w, err := websocket.Accept(upgrade{conn: c, rw: rw}, r, websocket.Deflate(50), websocket.Subprotocols("chat"))
	if err != nil {
		return err
	}
	defer w.CloseNow()
	for err == nil {
		var kind websocket.Kind
		var b []byte
		if kind, b, err = w.Receive(e.Task()); err == nil {
			err = w.Write(e.Task(), kind, b)
		}
	}
	wait()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || *closed != (websocket.CloseError{Code: 4000, Reason: byeReason}) {
		return fmt.Errorf("the end is %w", err)
	}
	return nil
}

// visit sends the samples to a server that echoes, and closes.
func (e *env) visit(address string) error {
	c, _, err := websocket.Dial(e.Task(), "ws://"+address, websocket.Deflate(50), websocket.Subprotocols("chat"))
	if err != nil {
		return err
	}
	defer c.CloseNow()
	if c.Subprotocol() != "chat" {
		e.Errorf("the subprotocol is %q", c.Subprotocol())
	}
	for _, kind := range []websocket.Kind{websocket.Text, websocket.Binary} {
		for _, s := range samples {
			if err := c.Write(e.Task(), kind, []byte(s)); err != nil {
				return err
			}
			got, b, err := c.Read(e.Task())
			if err != nil {
				return err
			}
			if got != kind || string(b) != s {
				e.Errorf("%d bytes of %v came back as %d of %v", len(s), kind, len(b), got)
			}
		}
	}
	reader := e.Go(func() error {
		_, _, err := c.Read(e.Task())
		if !errors.As(err, new(*websocket.CloseError)) {
			e.Errorf("Read at the end: %v", err)
		}
		return nil
	})
	if err := c.Ping(e.Task()); err != nil {
		return err
	}
	return errors.Join(c.Close(e.Task(), 4000, byeReason), reader.Join())
}

func coderVisits(e *env, mode coder.CompressionMode) error {
	return e.visitedBy(func(address string) error {
		ctx := context.Background()
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		c, _, err := coder.Dial(ctx, "ws://"+address, &coder.DialOptions{
			CompressionMode: mode, CompressionThreshold: 50, Subprotocols: []string{"other", "chat"}, HTTPClient: &http.Client{Transport: transport},
		})
		if err != nil {
			return err
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		if c.Subprotocol() != "chat" {
			return fmt.Errorf("the subprotocol is %q", c.Subprotocol())
		}
		for _, kind := range []coder.MessageType{coder.MessageText, coder.MessageBinary} {
			for _, s := range samples {
				if err := c.Write(ctx, kind, []byte(s)); err != nil {
					return err
				}
				got, b, err := c.Read(ctx)
				if err := wantText(s, b, err); err != nil || got != kind {
					return fmt.Errorf("%d bytes: %v, %w", len(s), got, err)
				}
			}
		}
		reading := c.CloseRead(ctx)
		if err := c.Ping(ctx); err != nil {
			return err
		}
		if err := c.Close(4000, byeReason); err != nil {
			return err
		}
		<-reading.Done()
		return nil
	})
}

func visitsCoder(e *env, mode coder.CompressionMode) error {
	ended := make(chan error, 1)
	address := e.website(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: mode, CompressionThreshold: 50, Subprotocols: []string{"chat"}})
		if err == nil {
			defer c.CloseNow()
			c.SetReadLimit(1 << 20)
		}
		for err == nil {
			var kind coder.MessageType
			var b []byte
			if kind, b, err = c.Read(r.Context()); err == nil {
				err = c.Write(r.Context(), kind, b)
			}
		}
		ended <- err
	}))
	if err := e.visit(address); err != nil {
		return err
	}
	return e.elsewhere(func() error {
		var closed coder.CloseError
		if err := <-ended; !errors.As(err, &closed) || closed != (coder.CloseError{Code: 4000, Reason: byeReason}) {
			return fmt.Errorf("coder's end is %w", err)
		}
		return nil
	})
}

// python is one that has the websockets package: Debian's, even if another comes first. It is "" if there
// is none.
var python = sync.OnceValue(func() string {
	for _, file := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(file, "-c", "import websockets").Run() == nil {
			return file
		}
	}
	return ""
})

func needPython(t *testing.T) {
	t.Helper()
	switch {
	case python() != "":
	case os.Getenv("CI") != "":
		t.Fatal("python3-websockets is not installed")
	default:
		t.Skip("python3-websockets is not installed")
	}
}

const pythonClient = `
import asyncio, sys, websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

async def main():
    async with websockets.connect("ws://" + sys.argv[1], subprotocols=["other", "chat"], OPTION) as c:
        assert c.subprotocol == "chat", c.subprotocol
        for s in ["", "Hello", "Hello, World! " * 10, "*" * 65535, "0123456789abcdef" * 5000]:
            for m in [s, s.encode()]:
                await c.send(m)
                assert await c.recv() == m, len(m)
        await (await c.ping())
        await c.send(["in ", "three ", "fragments"])
        assert await c.recv() == "in three fragments"
        await c.close(4000, "enough, thank you")
        assert c.close_code == 4000, c.close_code

asyncio.run(main())
`

const pythonServer = `
import asyncio, websockets

async def main():
    ended = asyncio.get_running_loop().create_future()
    async def echo(c, *_):
        try:
            async for m in c:
                await c.send(m)
        finally:
            ended.set_result((c.close_code, c.close_reason))
    async with websockets.serve(echo, "127.0.0.1", 0, subprotocols=["chat"], OPTION) as s:
        print(s.sockets[0].getsockname()[1], flush=True)
        assert await ended == (4000, "enough, thank you"), ended

asyncio.run(main())
`

func pythonVisits(e *env, option string) error {
	return e.visitedBy(func(address string) error {
		out, err := exec.Command(python(), "-c", strings.Replace(pythonClient, "OPTION", option, 1), address).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return err
	})
}

func visitsPython(e *env, option string) error {
	cmd := exec.Command(python(), "-c", strings.Replace(pythonServer, "OPTION", option, 1))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Process.Kill() // unless it has ended
	port, err := green.Offload(e.Hub, func() (string, error) { return bufio.NewReader(out).ReadString('\n') })
	if err != nil {
		return err
	}
	if err := e.visit("127.0.0.1:" + strings.TrimSpace(port)); err != nil {
		return err
	}
	return e.elsewhere(func() error {
		_, _ = io.Copy(io.Discard, out) // until it ends
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("%w\n%s", err, &said)
		}
		return nil
	})
}
