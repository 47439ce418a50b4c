package compat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/coder/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"
)

// coderServer says "ready" to who connects, once it is, and then sends back what it hears until the
// client goes.
func coderServer(ready <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // the client has heard
		}
		defer c.CloseNow()
		<-ready
		err = c.Write(r.Context(), websocket.MessageText, []byte("ready"))
		for err == nil {
			var kind websocket.MessageType
			var text []byte
			if kind, text, err = c.Read(r.Context()); err == nil {
				err = c.Write(r.Context(), kind, text)
			}
		}
	})
}

func wantText(want string, text []byte, err error) error {
	if err == nil && string(text) != want {
		err = fmt.Errorf("the other side said %q, not %q", text, want)
	}
	return err
}

// coderClient says hello, when ready is closed, and wants to hear it back.
func coderClient(dial dialer, address string, ready <-chan struct{}) error {
	transport := &http.Transport{DialContext: dial}
	defer transport.CloseIdleConnections()
	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, "ws://"+address, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return err
	}
	defer c.CloseNow()
	<-ready
	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		return err
	}
	_, text, err := c.Read(ctx)
	return errors.Join(wantText("hello", text, err), c.Close(websocket.StatusNormalClosure, ""))
}

func gobwasServerOnGreen(e *env) error {
	ready := make(chan struct{})
	c, wait, err := e.visited(func(address string) error {
		return coderClient(new(net.Dialer).DialContext, address, ready)
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := ws.Upgrade(c); err != nil {
		return err
	}
	e.behind(opens(ready))
	text, op, err := wsutil.ReadClientData(c)
	if err := wantText("hello", text, err); err != nil {
		return err
	}
	if err := wsutil.WriteServerMessage(c, op, text); err != nil {
		return err
	}
	var closed wsutil.ClosedError
	if _, _, err := wsutil.ReadClientData(c); !errors.As(err, &closed) || closed.Code != ws.StatusNormalClosure {
		e.Errorf("ReadClientData at the end: %v", err)
	}
	wait()
	return nil
}

func gobwasClientOnGreen(e *env) error {
	ready := make(chan struct{})
	address := e.website(coderServer(ready))
	c, br, _, err := ws.Dialer{NetDial: e.DialContext}.Dial(context.Background(), "ws://"+address)
	if err != nil {
		return err
	}
	defer c.Close()
	if br != nil {
		return errors.New("the server spoke first")
	}
	e.behind(opens(ready))
	text, err := wsutil.ReadServerText(c)
	if err := wantText("ready", text, err); err != nil {
		return err
	}
	if err := wsutil.WriteClientText(c, []byte("hello")); err != nil {
		return err
	}
	text, err = wsutil.ReadServerText(c)
	return wantText("hello", text, err)
}

// gobwasOnFace shows why: a goroutine sets a deadline when the context ends.
func gobwasOnFace(e *env) error {
	heard := make(chan struct{})
	address, wait := e.outsider(func(c net.Conn) error {
		_, err := c.Read(make([]byte, 4096))
		close(heard)
		if err == nil {
			_, err = c.Read(make([]byte, 1)) // until it is closed
		}
		if err == nil {
			return errors.New("the client said more")
		}
		return nil
	})
	s := newStrangers(e)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var c net.Conn
	th := e.Go(func() error {
		_, _, _, err := ws.Dialer{NetDial: func(ctx context.Context, network, address string) (net.Conn, error) {
			var err error
			c, err = s.dial(context.Background(), network, address)
			return c, err
		}}.Dial(ctx, "ws://"+address)
		return err
	})
	if err := e.elsewhere(func() error { <-heard; return nil }); err != nil {
		return err
	}
	cancel()
	s.wantRefused()
	_ = c.Close() // as no deadline could be set
	if err := th.Join(); err == nil {
		e.Error("the call succeeded")
	}
	wait()

	ready := make(chan struct{})
	address = e.website(coderServer(ready))
	return e.elsewhereWith(func() error {
		c, br, _, err := ws.Dialer{NetDial: outside(e.Loop())}.Dial(e.Context(), "ws://"+address)
		if err != nil {
			return err
		}
		defer c.Close()
		var in io.Reader = c
		if br != nil { // the first message came with the answer
			in = br
		}
		text, err := wsutil.ReadServerText(struct {
			io.Reader
			io.Writer
		}{in, c})
		return wantText("ready", text, err)
	}, opens(ready))
}

// gorillaOnGreen waits where no goroutine is needed. Two threads must not write to one Conn, as the
// library has it for goroutines too.
func gorillaOnGreen(e *env) error {
	ready := make(chan struct{})
	address := e.website(coderServer(ready))
	c, _, err := (&gorilla.Dialer{NetDialContext: e.DialContext}).Dial("ws://"+address, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	e.behind(opens(ready))
	_, text, err := c.ReadMessage()
	if err := wantText("ready", text, err); err != nil {
		return err
	}
	if err := c.WriteMessage(gorilla.TextMessage, []byte("hello")); err != nil {
		return err
	}
	_, text, err = c.ReadMessage()
	return wantText("hello", text, err)
}

// coderOnFace shows why: Dial is by way of a http.Transport, and Accept of a http.Server.
func coderOnFace(e *env) error {
	ready := make(chan struct{})
	address := e.website(coderServer(ready))
	if err := e.face(func(dial dialer) error {
		transport := &http.Transport{DialContext: dial}
		defer transport.CloseIdleConnections()
		c, _, err := websocket.Dial(e.Context(), "ws://"+address, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			return err
		}
		defer c.CloseNow()
		_, text, err := c.Read(e.Context())
		return wantText("ready", text, err)
	}, opens(ready)); err != nil {
		return err
	}

	later := make(chan struct{})
	e.behind(opens(later))
	return e.serveOnFace(coderServer(later), func(address string) error {
		c, _, err := gorilla.DefaultDialer.Dial("ws://"+address, nil)
		if err != nil {
			return err
		}
		defer c.Close()
		_, text, err := c.ReadMessage()
		return wantText("ready", text, err)
	})
}
