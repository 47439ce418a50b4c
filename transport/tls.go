package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/secure"
)

// ErrTruncated is what Closed gets when a connection with TLS ends without TLS's own end: an
// attacker may have cut it off. It matches io.ErrUnexpectedEOF.
var ErrTruncated error = secure.ErrTruncated

// HandshakeError says that a handshake has failed. It is what DialTLS, Closed and, on a server,
// the loop's error handler get.
type HandshakeError struct {
	Peer net.Addr // nil if it is gone already
	Err  error
}

func (e *HandshakeError) Error() string {
	if e.Peer == nil {
		return fmt.Sprintf("handshake: %v", e.Err)
	}
	return fmt.Sprintf("handshake with %v: %v", e.Peer, e.Err)
}

// Unwrap returns why it has failed.
func (e *HandshakeError) Unwrap() error { return e.Err }

// security is TLS on a connection.
type security struct {
	layer *secure.Layer
	queue []item // to encrypt, once the handshake is done and what is before is sent
	size  int    // bytes in it
	busy  bool   // the first item is at work, or the handshake
	then  func() // once all of it is encrypted
	pull  bool   // a producer waits for that

	shake   *corolla.Future[struct{}] // the handshake; nil once it is over
	writing int                       // calls of the layer that write, whose lock is held
	reading bool                      // readRecords is scheduled
	flooded bool                      // nothing is read until the outbox is down to its low mark
}

// item is a piece of text to encrypt, or something that writes by itself and says when it has.
type item struct {
	text []byte
	work func(done func())
	lost func(error) // instead of work, when the connection is lost
}

// below is a Conn as the connection below its TLS.
type below struct{ *Conn }

func (c below) TryRead(b []byte) (int, error) { return c.sock.TryRead(b) }
func (c below) Await(t *corolla.Task) error   { return c.sock.WaitReadable(t) }
func (c below) Send(b []byte) error           { return c.out.Write(b) }
func (c below) Above() bool                   { return c.out.Above() }

func (c *Conn) client(cfg *tls.Config, lim secure.Limits) *secure.Layer {
	return secure.Client(below{c}, secure.Offloading(c.sock.Loop(), cfg), lim)
}

// ServeTLS is Serve with TLS: a connection's Opened comes after its handshake. A handshake that
// fails is reported to the loop's error handler, for its protocol never hears of it; but not when
// the connection has ended, or the time is up, before the peer had sent anything, as with port scans and
// health checks. corolla.HandshakeTimeout and corolla.MaxHandshakes, among the Options, limit handshakes.
//
// cfg must have a certificate or a way to get one; crypto/tls says how one is chosen for each name,
// and how they are replaced while the server runs (GetCertificate). cfg's functions that choose and
// verify (Get… and Verify…) may block: they run on goroutines of their own, several at a time, so they
// must be safe from any goroutine. What else is in cfg runs on the loop.
func ServeTLS(l *corolla.Loop, network, address string, cfg *tls.Config, build func() Protocol, opts ...ServeOption) (*Server, error) {
	if err := secure.CheckServer(cfg); err != nil {
		return nil, err
	}
	srv := newServer(build, opts)
	lim, err := secure.ListenerLimits(srv.options)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	cfg = secure.Offloading(l, cfg)
	srv.secure = func(c *Conn) *secure.Layer { return secure.Server(below{c}, cfg, lim) }
	return srv.listen(l, network, address)
}

// DialTLS is Dial with TLS: Opened comes, and the future has its result, after the handshake.
// If cfg, which may be nil, names no server, the host of the address is the name that the
// server's certificate must have. For what of cfg runs where, and the options of handshakes, see
// ServeTLS.
func DialTLS(l *corolla.Loop, network, address string, cfg *tls.Config, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	cfg, err := secure.ForAddress(cfg, address)
	lim, e := secure.LimitsOf(opts)
	if err = errors.Join(err, e); err != nil {
		result := corolla.NewFuture[*Conn](l)
		_ = result.Fail(err) // the first to settle it
		return result
	}
	return dial(l, network, address, opts, func(s *corolla.Socket, result *corolla.Future[*Conn]) *Conn {
		c := connect(s, p)
		c.secure(c.client(cfg, lim), func(err error) {
			if err != nil {
				_ = result.Fail(err)
				return
			}
			l.Soon(c.open)
			l.Soon(func() { _ = result.Resolve(c) })
		})
		return c
	})
}

// ClientTLS starts TLS, as the client, on a connection that is in use: what is written from
// then on is encrypted, and Data gets what was decrypted. What Data has been given already
// is no part of it. done is called after the handshake, or when the connection is lost before
// that; if the handshake fails, Closed follows with the same error. Of the options only those of
// handshakes matter; see ServeTLS.
func (c *Conn) ClientTLS(cfg *tls.Config, done func(error), opts ...corolla.SocketOption) error {
	return c.startTLS(opts, done, func(lim secure.Limits) *secure.Layer { return c.client(cfg, lim) })
}

// ServerTLS is ClientTLS as the server.
func (c *Conn) ServerTLS(cfg *tls.Config, done func(error), opts ...corolla.SocketOption) error {
	if err := secure.CheckServer(cfg); err != nil {
		return err
	}
	return c.startTLS(opts, done, func(lim secure.Limits) *secure.Layer {
		return secure.Server(below{c}, secure.Offloading(c.sock.Loop(), cfg), lim)
	})
}

func (c *Conn) startTLS(opts []corolla.SocketOption, done func(error), layer func(secure.Limits) *secure.Layer) error {
	lim, err := secure.LimitsOf(opts)
	switch {
	case err != nil:
		return fmt.Errorf("start TLS: %w", err)
	case c.tls != nil:
		return errors.New("transport: TLS was started before")
	case c.is(away):
		return fmt.Errorf("start TLS on a connection that is spliced: %w", corolla.ErrBusy)
	case c.is(closing | shut | lost):
		return fmt.Errorf("start TLS on a connection that was closed: %w", net.ErrClosed)
	}
	c.secure(layer(lim), func(err error) {
		defer c.guard()
		done(err)
		if err == nil {
			c.startReading()
		}
	})
	return nil
}

// TLS returns the state of TLS on the connection. It reports false if there is none, or its
// handshake is not done.
func (c *Conn) TLS() (tls.ConnectionState, bool) {
	if c.tls == nil || !c.tls.layer.Ready() {
		return tls.ConnectionState{}, false
	}
	return c.tls.layer.State(), true
}

// secure puts TLS on the connection, and does the handshake in a task. If it fails, the
// connection is lost.
func (c *Conn) secure(layer *secure.Layer, done func(error)) {
	c.sock.OnReadable(nil)
	y := &security{layer: layer, busy: true}
	c.tls = y
	peer := c.sock.PeerAddr()
	y.shake = c.sock.Loop().Go(layer.Handshake, corolla.Name("TLS handshake"), corolla.Describe(layer.Handshake, c))
	y.shake.OnDone(func(f *corolla.Future[struct{}]) {
		y.shake = nil
		_, err := f.Result()
		if c.is(lost) {
			err = net.ErrClosed
		}
		if err != nil {
			err = &HandshakeError{Peer: peer, Err: err}
		}
		done(err)
		switch {
		case c.is(lost):
			c.sock.Loop().Soon(c.closed) // which has waited for this
		case err != nil:
			c.lose(err)
		default:
			y.busy = false
			c.encrypt()
		}
	})
}

// layered calls something that writes through TLS. TLS holds a lock meanwhile, so the protocol is
// told of water marks afterwards: it may write, or close.
func (c *Conn) layered(write func() error) error {
	c.tls.writing++
	err := write()
	c.tls.writing--
	c.crossed()
	return err
}

// crossed tells of the water marks.
func (c *Conn) crossed() {
	if y := c.tls; y != nil && y.flooded && !c.out.Above() {
		y.flooded = false
		c.startReading()
	}
	if c.tls == nil || c.tls.writing == 0 {
		c.marks(c.above())
	}
}

// drop lets go of what is queued when the connection is lost.
func (y *security) drop() {
	queue := y.queue
	y.queue, y.size, y.then, y.pull = nil, 0, nil, false
	for _, i := range queue {
		if i.lost != nil {
			i.lost(fmt.Errorf("write to a connection that was closed: %w", net.ErrClosed))
		}
	}
	if y.shake != nil {
		y.shake.Cancel(nil)
	}
}

// send takes a piece of text, for TLS if there is TLS.
func (c *Conn) send(b []byte) {
	if c.tls == nil {
		_ = c.out.Write(b) // Closed tells of a failure, now as later
		return
	}
	if !c.tls.busy && len(c.tls.queue) == 0 {
		_ = c.layered(func() error { return c.tls.layer.Write(b) })
		return
	}
	c.tls.queue = append(c.tls.queue, item{text: append([]byte(nil), b...)})
	c.tls.size += len(b)
	c.crossed()
}

// above reports whether more is to be sent than the high water mark, or still more than the low.
func (c *Conn) above() bool {
	if c.tls == nil || c.tls.size == 0 {
		return c.out.Above()
	}
	low, high := c.out.Marks()
	if c.is(wasAbove) {
		return c.Buffered() > low
	}
	return c.Buffered() > high
}

// encrypt works through the queue.
func (c *Conn) encrypt() {
	y := c.tls
	for len(y.queue) > 0 && !y.busy && !c.is(lost) {
		next := y.queue[0]
		if next.work == nil {
			y.queue = y.queue[1:]
			y.size -= len(next.text)
			_ = c.layered(func() error { return y.layer.Write(next.text) })
			continue
		}
		y.busy = true
		next.work(func() {
			if c.is(lost) {
				return
			}
			y.busy = false
			y.queue = y.queue[1:]
			c.encrypt()
		})
	}
	if c.is(lost) {
		return
	}
	c.crossed()
	if len(y.queue) > 0 || y.busy {
		return
	}
	y.queue = nil
	if y.pull {
		y.pull = false
		c.out.WhenEmpty(c.pullSoon)
	}
	if then := y.then; then != nil {
		y.then = nil
		then()
	}
}

// finish ends the stream, behind all that was written, and then calls done.
func (c *Conn) finish(done func()) {
	y := c.tls
	switch {
	case y == nil:
		c.out.Finish(done)
	case y.shake != nil && len(y.queue) == 0 && c.is(closing):
		c.out.Finish(done) // nothing was ever said through TLS
	case y.busy || len(y.queue) > 0:
		y.then = func() { c.finish(done) }
	default:
		_ = c.layered(y.layer.CloseWrite) // what cannot be said now cannot be said
		c.out.Finish(done)
	}
}

// maxRecords is how many TLS records are read before others have a turn; less if they take long.
const maxRecords = 8

// readRecords reads what has arrived. A record may hold more than Data was given when reading
// was paused, and no event of the socket's tells of that: so it is called when reading begins.
func (c *Conn) readRecords() {
	defer c.guard()
	for n := range maxRecords {
		if n > 0 && c.sock.Loop().Overdue() {
			break
		}
		if c.is(paused|closing|lost|gotEOF) || !c.tls.layer.Ready() {
			return
		}
		if c.tls.layer.Flooded() {
			c.tls.flooded = true
			c.sock.OnReadable(nil)
			return
		}
		if !c.readOnce(c.readLayer) {
			return
		}
	}
	c.readSoon()
}

// readLayer reads what was decrypted, which may have to write too.
func (c *Conn) readLayer(b []byte) (n int, err error) {
	_ = c.layered(func() error { n, err = c.tls.layer.Read(b); return nil })
	if c.is(closing | lost) { // the protocol was told to pause, and has closed
		return 0, corolla.ErrWouldBlock
	}
	return n, err
}

func (c *Conn) readSoon() {
	if !c.tls.reading {
		c.tls.reading = true
		c.sock.Loop().Soon(func() {
			c.tls.reading = false
			c.readRecords()
		})
	}
}
