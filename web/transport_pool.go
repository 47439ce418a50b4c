package web

import (
	"bufio"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/ds"
)

// Connections are kept for each host. A task first takes one of the host's places, which are a
// semaphore, and then the connection that was used last, or, if none is idle, makes one. An idle
// connection holds no place: as a new one is made only while none is idle, there are never more than
// places. So tasks wait in one line, whether for a connection to become idle or for one to be closed.
//
// Nobody waits for the answer to a request of somebody else's: net/http makes a connection for a
// request in any case, and uses whichever is there first.

// clientKey says what a connection can be used for.
type clientKey struct {
	proxy   string // its URL, or ""
	scheme  string
	address string // with a port; "" for requests without TLS by way of a proxy, which all share
}

// clientHost is what is known of connections for one key.
type clientHost struct {
	key    clientKey
	places *corolla.Semaphore // nil is no limit
	users  int                // who have a place, or wait for one
	idle   ds.List[*clientConn]
}

// clientConn is a connection, in use by a call or idle.
type clientConn struct {
	tr     *Transport
	host   *clientHost
	conn   *aio.Conn
	tls    *tls.ConnectionState
	in     *bufio.Reader        // nil while idle
	call   *clientCall          // nil while idle
	peer   ds.Link[*clientConn] // among the host's idle ones
	turn   ds.Link[*clientConn] // among all
	idling wait[*clientConn]
	since  time.Duration // when it became idle
	stir   func()        // stirred, made once
	used   bool          // for an earlier request
	try    bool          // reading must not wait
	gone   bool
	probe  [1]byte
	err    error // of the last read: net/http's parser hides one that ends a line
	got    int64 // bytes of the current answer
	most   int64 // bytes that may be read until its head is complete
}

// connect returns a connection for a target. It parks t until there is a place for one more.
func (tr *Transport) connect(t *corolla.Task, target *clientTarget, fresh bool) (*clientConn, error) {
	h := tr.hostOf(target.key)
	h.users++
	entered, done := false, false
	defer func() {
		if !done {
			tr.leave(h, entered)
		}
	}()
	if h.places != nil {
		if err := h.places.Acquire(t); err != nil {
			return nil, err
		}
	}
	entered = true
	c := tr.reuse(h, fresh)
	if c == nil {
		conn, state, err := tr.open(t, target)
		if err != nil {
			return nil, err
		}
		c = &clientConn{tr: tr, host: h, conn: conn, tls: state}
		c.stir = c.stirred
		c.peer.Value, c.turn.Value = c, c
	}
	c.in = tr.mem.reader(c)
	done = true
	return c, nil
}

func (tr *Transport) hostOf(key clientKey) *clientHost {
	h := tr.hosts[key]
	if h == nil {
		h = &clientHost{key: key}
		if most := clientMost(tr.MaxConnsPerHost, DefaultMaxConnsPerHost); most < math.MaxInt {
			h.places = corolla.NewSemaphore(most)
		}
		if tr.hosts == nil {
			tr.hosts = map[clientKey]*clientHost{}
		}
		tr.hosts[key] = h
	}
	return h
}

// leave takes a user off a host, and gives back the place if it had one.
func (tr *Transport) leave(h *clientHost, entered bool) {
	h.users--
	if entered && h.places != nil {
		h.places.Release()
	}
	tr.forget(h)
}

// forget removes a host that nobody uses.
func (tr *Transport) forget(h *clientHost) {
	if h.users == 0 && h.idle.Len() == 0 && tr.hosts[h.key] == h {
		delete(tr.hosts, h.key)
	}
}

// reuse returns the connection that was used last, or nil. For a caller who needs a fresh one, it
// makes room for that.
func (tr *Transport) reuse(h *clientHost, fresh bool) *clientConn {
	for k := h.idle.Last(); k != nil; k = h.idle.Last() {
		c := k.Value
		if c.leaveIdle(); !fresh && c.quiet() {
			return c
		}
		c.end(false)
		if fresh {
			break
		}
	}
	return nil
}

// release ends the use of a connection: it is kept, or closed.
func (c *clientConn) release(keep bool) {
	tr, h := c.tr, c.host
	keep = keep && !c.gone && c.in != nil && c.in.Buffered() == 0 && c.rest()
	if !c.call.reading { // or the reader, which has been woken, gives it back
		c.giveReader()
	}
	c.call = nil
	if !keep {
		c.end(false)
	}
	tr.leave(h, true)
}

func (c *clientConn) giveReader() {
	if c.in != nil {
		c.tr.mem.giveReader(c.in)
		c.in = nil
	}
}

// rest makes a connection idle, if that is allowed and nothing has arrived on it.
func (c *clientConn) rest() bool {
	tr := c.tr
	most := clientMost(tr.MaxIdleConns, DefaultMaxIdleConns)
	mine := clientMost(tr.MaxIdleConnsPerHost, DefaultMaxIdleConnsPerHost)
	if tr.DisableKeepAlives || c.host.idle.Len() >= mine || !c.quiet() {
		return false
	}
	if err := c.conn.OnceReadable(c.stir); err != nil {
		return false
	}
	c.used, c.since = true, tr.Loop.Now()
	c.host.idle.Push(&c.peer)
	tr.idle.Push(&c.turn)
	if tr.idling.loop == nil {
		tr.idling.loop, tr.idling.expired = tr.Loop, (*clientConn).drop
		tr.idling.after = clientTime(tr.IdleConnTimeout, DefaultIdleConnTimeout)
	}
	tr.idling.begin(&c.idling, c)
	if tr.idle.Len() > most {
		tr.idle.First().Value.drop()
	}
	return c.peer.Listed() // unless it is the one too many
}

func (c *clientConn) leaveIdle() {
	c.peer.Leave()
	c.turn.Leave()
	c.idling.end()
	_ = c.conn.OnceReadable(nil) // or it has been called
}

// quiet reports whether nothing has arrived, not even the end of the stream.
func (c *clientConn) quiet() bool {
	_, err := c.conn.TryRead(c.probe[:])
	return errors.Is(err, corolla.ErrWouldBlock)
}

// stirred is called when something may have arrived on an idle connection. With TLS that need not be
// data.
func (c *clientConn) stirred() {
	if !c.peer.Listed() {
		return
	}
	if !c.quiet() || c.conn.OnceReadable(c.stir) != nil {
		c.drop()
	}
}

// drop closes an idle connection.
func (c *clientConn) drop() {
	c.leaveIdle()
	c.end(false)
	c.tr.forget(c.host)
}

// end closes a connection; abruptly, if it has something under way.
func (c *clientConn) end(abruptly bool) {
	if c.gone {
		return
	}
	c.gone = true
	if abruptly {
		_ = c.conn.Abort() // whatever it says, the connection is of no further use
	} else {
		_ = c.conn.Close()
	}
}

var errHeadTooLarge = errors.New("web: the server's header is larger than MaxResponseHeaderBytes")

// Read reads for the current call, in whichever task runs.
func (c *clientConn) Read(b []byte) (n int, err error) {
	x := c.call
	if x == nil || c.gone {
		return 0, net.ErrClosed
	}
	if !x.headed {
		if c.most <= 0 {
			c.err = errHeadTooLarge
			return 0, c.err
		}
		b = b[:min(int64(len(b)), c.most)]
	}
	if c.try {
		n, err = c.conn.TryRead(b)
	} else {
		n, err = c.conn.Read(clientTask(c.tr.Loop, "http.Response.Body.Read"), b)
	}
	if n > 0 && c.got == 0 {
		x.answered()
	}
	c.got += int64(n)
	c.most -= int64(n)
	c.err = err
	return n, err
}
