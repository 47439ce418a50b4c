package stream

import (
	"crypto/tls"
	"errors"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/secure"
)

// ErrTruncated is the end of a TLS stream without a close_notify alert: an attacker may have cut it
// off. It matches io.ErrUnexpectedEOF.
var ErrTruncated error = secure.ErrTruncated

// TLS says how to start TLS: on which side, with which configuration and limits.
type TLS struct {
	begin    func(secure.Below, *tls.Config, secure.Limits) *secure.Layer
	config   *tls.Config
	Original *tls.Config   // as it was given
	Limits   secure.Limits // of handshakes
}

// ClientTLS is for the client of a connection. cfg may be nil.
func ClientTLS(l *corolla.Loop, cfg *tls.Config, opts []corolla.SocketOption) (*TLS, error) {
	lim, err := secure.LimitsOf(opts)
	return &TLS{secure.Client, secure.Offloading(l, cfg), cfg, lim}, err
}

// DialTLS is ClientTLS for a connection to an address. Unless cfg has a ServerName, the server's
// certificate must be valid for the address's host.
func DialTLS(l *corolla.Loop, address string, cfg *tls.Config, opts []corolla.SocketOption) (*TLS, error) {
	cfg, err := secure.ForAddress(cfg, address)
	if err != nil {
		return nil, err
	}
	return ClientTLS(l, cfg, opts)
}

// ServerTLS is for the server of a connection.
func ServerTLS(l *corolla.Loop, cfg *tls.Config, opts []corolla.SocketOption) (*TLS, error) {
	if err := secure.CheckServer(cfg); err != nil {
		return nil, err
	}
	lim, err := secure.LimitsOf(opts)
	return &TLS{secure.Server, secure.Offloading(l, cfg), cfg, lim}, err
}

// ListenTLS is ServerTLS for all connections of a listener, which share its limits.
func ListenTLS(l *corolla.Loop, cfg *tls.Config, opts []corolla.SocketOption) (*TLS, error) {
	y, err := ServerTLS(l, cfg, opts)
	if err != nil {
		return nil, err
	}
	y.Limits, err = secure.ListenerLimits(opts)
	return y, err
}

// security is TLS on a stream, and the data waiting to be encrypted.
type security struct {
	stream         *Stream
	under          *security // TLS that this one is inside of, or nil
	layer          *secure.Layer
	early          []byte                    // arrived before TLS was started, and belongs to it
	handshake      *corolla.Future[struct{}] // nil once it is over
	queue          []item                    // to encrypt, in order, once the handshake is over
	size           int                       // bytes of data in it
	busy           bool                      // the file at its front is being sent
	then           func()                    // once all of it is encrypted
	afterHandshake func()                    // called then if the stream has ended
}

// item is a piece of data, or a file.
type item struct {
	data []byte
	file *sealedFile
}

// StartTLS starts TLS on the stream: what is written from now on is encrypted, and TryRead returns
// decrypted data, starting with early, which has already arrived. The handshake runs in its own
// task, and done is called when it ends, with net.ErrClosed if the stream was closed meanwhile.
// After a failed handshake the stream is good only for End. If the stream has TLS already, which must be
// Secured, the new one is inside of it.
func (s *Stream) StartTLS(how *TLS, early []byte, done func(error)) {
	y := &security{stream: s, under: s.tls, early: early}
	y.layer = how.begin(wire{y}, how.config, how.Limits)
	s.tls = y
	y.handshake = s.sock.Loop().Go(y.layer.Handshake, corolla.Name("TLS handshake"), corolla.Describe(y.layer.Handshake, s))
	y.handshake.OnDone(func(f *corolla.Future[struct{}]) {
		y.handshake = nil
		_, err := f.Result()
		if s.over {
			err = net.ErrClosed
		}
		done(err)
		switch {
		case err == nil:
			y.work()
		case y.afterHandshake != nil:
			y.afterHandshake()
		case s.closing && !s.over:
			_ = s.End(false)
			s.user.Over(err)
		default:
			y.drop()
		}
	})
}

// wire is what is below TLS: the socket and the outbox, or other TLS.
type wire struct{ *security }

func (w wire) TryRead(b []byte) (int, error) {
	if len(w.early) > 0 {
		n := copy(b, w.early)
		w.early = w.early[n:]
		return n, nil
	}
	if y := w.under; y != nil {
		if y.layer.Flooded() {
			return 0, corolla.ErrWouldBlock
		}
		return y.layer.Read(b)
	}
	s := w.stream
	n, err := s.sock.TryRead(b)
	if n > 0 {
		s.Active() // a handshake that is slow is not idle
	}
	return n, s.ReadErr(err)
}

func (w wire) Await(t *corolla.Task) error {
	if err := w.stream.out.Err(); err != nil {
		return err
	}
	if w.under != nil && w.under.flooded() {
		return errFlood // which would otherwise have to be waited out
	}
	return w.stream.sock.WaitReadable(t)
}

func (w wire) Send(b []byte) error {
	if w.under != nil {
		return w.under.layer.Write(b)
	}
	return w.stream.out.Write(b)
}

func (w wire) Above() bool          { return w.stream.out.Above() }
func (w wire) LocalAddr() net.Addr  { return w.stream.sock.LocalAddr() }
func (w wire) RemoteAddr() net.Addr { return w.stream.sock.PeerAddr() }

var errFlood = errors.New("the peer of the outer TLS asks for answers, and takes none")

// HasTLS reports whether TLS was started.
func (s *Stream) HasTLS() bool { return s.tls != nil }

// Secured reports whether s has TLS that other TLS can be inside of: its handshake is done, and nothing
// waits to be encrypted.
func Secured(s *Stream) bool { return s.tls != nil && s.tls.layer.Ready() && !s.tls.holds() }

// Handshaking reports whether a TLS handshake is under way.
func (s *Stream) Handshaking() bool { return s.tls != nil && s.tls.handshake != nil }

// HandshakeErr returns why the handshake has failed, or nil.
func (s *Stream) HandshakeErr() error {
	if s.tls == nil {
		return nil
	}
	return s.tls.layer.Err()
}

// Heard reports whether the peer has sent anything since TLS was started, even if it was not TLS.
func (s *Stream) Heard() bool { return s.tls != nil && s.tls.layer.Heard() }

// AfterHandshake calls f once no handshake is under way: at once if none is. It is for a stream
// that has ended: for others, StartTLS calls done.
func (s *Stream) AfterHandshake(f func()) {
	if s.Handshaking() {
		s.tls.afterHandshake = f
		return
	}
	f()
}

// Flooded reports whether nothing should be read until unsent data is down to the low water mark:
// the peer asks TLS for one answer after another, and takes none.
func (s *Stream) Flooded() bool {
	return s.tls != nil && s.tls.flooded()
}

func (y *security) flooded() bool {
	return y.layer.Ready() && y.layer.Flooded() || y.under != nil && y.under.flooded()
}

// TLSState returns the TLS state. It reports false without TLS, or before the handshake is done.
func (s *Stream) TLSState() (tls.ConnectionState, bool) {
	if s.tls == nil || !s.tls.layer.Ready() {
		return tls.ConnectionState{}, false
	}
	return s.tls.layer.State(), true
}

// read reads decrypted data, for which TLS may have to write too.
func (y *security) read(b []byte) (int, error) {
	switch {
	case y.handshake != nil:
		return 0, corolla.ErrWouldBlock
	case !y.layer.Ready():
		return 0, y.layer.Err()
	case y.flooded():
		return 0, corolla.ErrWouldBlock
	}
	n, err := y.layer.Read(b)
	y.stream.mark()
	return n, err
}

// holds reports whether data that is written has to wait to be encrypted.
func (y *security) holds() bool { return y.handshake != nil || len(y.queue) > 0 }

func (y *security) write(b []byte) error {
	if y.holds() {
		y.queue = append(y.queue, item{data: append([]byte(nil), b...)})
		y.size += len(b)
		y.stream.mark()
		return nil
	}
	return y.seal(b)
}

// seal encrypts b and sends it.
func (y *security) seal(b []byte) error {
	if !y.layer.Ready() {
		return y.layer.Err()
	}
	err := y.layer.Write(b)
	y.stream.mark()
	return err
}

// work sends what is queued.
func (y *security) work() {
	s := y.stream
	for len(y.queue) > 0 && !y.busy && !s.over {
		next := y.queue[0]
		if next.file != nil {
			y.busy = true
			next.file.step()
			continue
		}
		y.queue = y.queue[1:]
		y.size -= len(next.data)
		_ = y.seal(next.data) // the outbox has reported any failure
	}
	if s.over || y.holds() {
		return
	}
	y.queue = nil
	s.mark()
	if then := y.then; then != nil {
		y.then = nil
		then()
	}
}

// drop discards what is queued, when the stream has ended.
func (y *security) drop() {
	queue := y.queue
	y.queue, y.size, y.then = nil, 0, nil
	for _, i := range queue {
		if i.file != nil {
			i.file.fail(net.ErrClosed)
		}
	}
	if y.handshake != nil {
		y.handshake.Cancel(nil)
	}
}

// ErrTLSAlready is the error for starting TLS twice.
var ErrTLSAlready = errors.New("TLS was already started")
