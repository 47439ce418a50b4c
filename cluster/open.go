package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	flushTimeout = 10 * time.Second

	// writeTimeout is how long the server may take nothing before the connection is lost. Close may wait for that long,
	// for nats.go's lock, which is held over a write.
	writeTimeout = 10 * time.Second
)

// opened is what making a Conn has opened elsewhere.
type opened struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	server *server.Server
}

func (o *opened) close() {
	o.nc.Close()
	if o.server != nil {
		stopServer(o.server)
	}
}

// open runs make elsewhere, and builds a Conn of what it has made. If the future is canceled meanwhile, what was
// made is closed.
func open(l *corolla.Loop, cfg *config, makeIt func() (*opened, error)) *corolla.Future[*Conn] {
	if l.Simulated() {
		f := corolla.NewFuture[*Conn](l)
		_ = f.Fail(fmt.Errorf("cluster: a simulated loop has no machines to connect: %w", errors.ErrUnsupported))
		return f
	}
	return corolla.Go(l, func(t *corolla.Task) (*Conn, error) {
		var decided atomic.Bool // either it is handed over, or nobody wants it
		work := corolla.OffloadTo(l.Workers("cluster"), func(context.Context) (*opened, error) {
			o, err := makeIt()
			if err == nil && !decided.CompareAndSwap(false, true) {
				o.close()
				err = corolla.ErrCanceled
			}
			return o, err
		})
		o, err := work.Await(t)
		if err != nil {
			if !decided.CompareAndSwap(false, true) && o == nil {
				if late, e := work.Result(); e == nil {
					apart(late.close)
				}
			}
			return nil, err
		}
		return newConn(l, cfg, o), nil
	}, corolla.Name("open a cluster connection"))
}

// dial connects with nats.go. The Conn's handlers come later: see newConn.
func (c *config) dial(to nats.Options) (*nats.Conn, jetstream.JetStream, error) {
	o := nats.GetDefaultOptions()
	o.Servers, o.InProcessServer = to.Servers, to.InProcessServer
	o.Name = c.name
	o.MaxReconnect = -1
	o.FlusherTimeout = writeTimeout
	o.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) {} // its own prints them
	for _, opt := range c.nats {
		if err := opt(&o); err != nil {
			return nil, nil, err
		}
	}
	nc, err := o.Connect()
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(c.answer))
	if err != nil {
		nc.Close()
	}
	return nc, js, err
}

func newConn(l *corolla.Loop, cfg *config, o *opened) *Conn {
	c := &Conn{
		loop: l, cfg: cfg, nc: o.nc, js: o.js, server: o.server,
		largest: int(o.nc.MaxPayload()),
		parts:   map[part]struct{}{},
		gone:    make(chan struct{}),
	}
	c.bridge.loop = l
	c.out.limit = cfg.limit
	c.out.change.L = &c.out.mu
	c.out.connected = true
	c.listen()
	c.calls.init(c)
	c.unclose = l.OnClose(c.closeNow)
	c.start(c.write)
	return c
}

// listen sets the handlers, each of which calls the one that the user's options have set.
func (c *Conn) listen() {
	was := c.nc.Opts
	c.nc.SetErrorHandler(func(nc *nats.Conn, s *nats.Subscription, err error) {
		if was.AsyncErrorCB != nil {
			was.AsyncErrorCB(nc, s, err)
		}
		c.onError(s, err)
	})
	c.nc.SetDisconnectErrHandler(func(nc *nats.Conn, err error) {
		if was.DisconnectedErrCB != nil {
			was.DisconnectedErrCB(nc, err)
		}
		c.out.setConnected(false)
		_ = c.loop.Post(func() { c.become(Disconnected) }) // a closed loop has no use for it
	})
	connected := func(before nats.ConnHandler) nats.ConnHandler {
		return func(nc *nats.Conn) {
			if before != nil {
				before(nc)
			}
			largest := int(nc.MaxPayload())
			c.out.setConnected(true)
			_ = c.loop.Post(func() { c.largest = largest; c.become(Connected) }) // likewise
		}
	}
	c.nc.SetReconnectHandler(connected(was.ReconnectedCB))
	c.nc.SetClosedHandler(func(nc *nats.Conn) {
		if was.ClosedCB != nil {
			was.ClosedCB(nc)
		}
		_ = c.loop.Post(func() { _ = c.Close() }) // likewise
	})
}

// become notes how c stands, and tells.
func (c *Conn) become(s Status) {
	if c.status == s || c.status == Closed {
		return
	}
	if c.status = s; s == Connected {
		c.stats.Reconnects++
	}
	if c.onStatus != nil {
		c.onStatus(s)
	}
}
