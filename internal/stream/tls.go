package stream

import (
	"crypto/tls"
	"errors"
	"io"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/secure"
)

// ErrTruncated is the end of a stream with TLS that ends without TLS's own end: an attacker may have
// cut it off. It matches io.ErrUnexpectedEOF.
var ErrTruncated error = secure.ErrTruncated

// TLS says how to start TLS: as which side, with which configuration and limits.
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

// DialTLS is ClientTLS of a connection to an address, whose host is the name that the server's
// certificate must have unless cfg has one.
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

// security is TLS on a stream, and what waits to be encrypted.
type security struct {
	stream *Stream
	layer  *secure.Layer
	early  []byte                    // arrived before TLS was started, and belongs to it
	shake  *corolla.Future[struct{}] // the handshake; nil once it is over
	queue  []item                    // to encrypt, once the handshake is over and what is before is sent
	size   int                       // bytes of text in it
	busy   bool                      // the file at its front is at work
	then   func()                    // once all of it is encrypted
	parted func()                    // of a stream that has ended, once the handshake has too
}

// item is a piece of text, or a file.
type item struct {
	text []byte
	file *sealedFile
}

// StartTLS puts TLS on the stream: what is written from now on is encrypted, and TryRead gives what
// was decrypted, of early first, which has arrived already. The handshake is done by a task of its
// own, and done is called at its end, with net.ErrClosed if the stream was closed meanwhile. A
// handshake that has failed leaves the stream good for nothing but End.
func (s *Stream) StartTLS(how *TLS, early []byte, done func(error)) {
	y := &security{stream: s, early: early}
	y.layer = how.begin(wire{s}, how.config, how.Limits)
	s.tls = y
	y.shake = s.sock.Loop().Go(y.layer.Handshake, corolla.Name("TLS handshake"), corolla.Describe(y.layer.Handshake, s))
	y.shake.OnDone(func(f *corolla.Future[struct{}]) {
		y.shake = nil
		_, err := f.Result()
		if s.over {
			err = net.ErrClosed
		}
		done(err)
		switch {
		case err == nil:
			y.work()
		case y.parted != nil:
			y.parted()
		case s.closing && !s.over:
			_ = s.End(false)
			s.user.Over(err)
		default:
			y.drop()
		}
	})
}

// wire is a Stream as the connection below its TLS.
type wire struct{ *Stream }

func (w wire) TryRead(b []byte) (int, error) {
	if y := w.tls; y != nil && len(y.early) > 0 {
		n := copy(b, y.early)
		y.early = y.early[n:]
		return n, nil
	}
	n, err := w.sock.TryRead(b)
	if err == io.EOF {
		err = w.ended()
	}
	return n, err
}

func (w wire) Await(t *corolla.Task) error {
	if err := w.out.Err(); err != nil {
		return err
	}
	return w.sock.WaitReadable(t)
}

func (w wire) Send(b []byte) error  { return w.out.Write(b) }
func (w wire) Above() bool          { return w.out.Above() }
func (w wire) LocalAddr() net.Addr  { return w.sock.LocalAddr() }
func (w wire) RemoteAddr() net.Addr { return w.sock.PeerAddr() }

// HasTLS reports whether TLS was started.
func (s *Stream) HasTLS() bool { return s.tls != nil }

// Handshaking reports whether a TLS handshake is under way.
func (s *Stream) Handshaking() bool { return s.tls != nil && s.tls.shake != nil }

// HandshakeErr returns why the handshake has failed, or nil.
func (s *Stream) HandshakeErr() error {
	if s.tls == nil {
		return nil
	}
	return s.tls.layer.Err()
}

// Heard reports whether the peer has sent anything since TLS was started, be it no TLS.
func (s *Stream) Heard() bool { return s.tls != nil && s.tls.layer.Heard() }

// AfterHandshake calls f when no handshake is under way any more: at once if none is. It is for the
// end of a stream: of one that lives, StartTLS tells.
func (s *Stream) AfterHandshake(f func()) {
	if s.Handshaking() {
		s.tls.parted = f
		return
	}
	f()
}

// Flooded reports whether nothing should be read until no more than the low water mark is to be
// sent: the peer asks TLS for one answer after the other, and takes none.
func (s *Stream) Flooded() bool {
	return s.tls != nil && s.tls.layer.Ready() && s.tls.layer.Flooded()
}

// TLSState returns the state of TLS. It reports false if there is none, or its handshake is not done.
func (s *Stream) TLSState() (tls.ConnectionState, bool) {
	if s.tls == nil || !s.tls.layer.Ready() {
		return tls.ConnectionState{}, false
	}
	return s.tls.layer.State(), true
}

// read reads what was decrypted, which may have to write too.
func (y *security) read(b []byte) (int, error) {
	switch {
	case y.shake != nil:
		return 0, corolla.ErrWouldBlock
	case !y.layer.Ready():
		return 0, y.layer.Err()
	case y.layer.Flooded():
		return 0, corolla.ErrWouldBlock
	}
	n, err := y.layer.Read(b)
	y.stream.mark()
	return n, err
}

// holds reports whether what is written has to wait to be encrypted.
func (y *security) holds() bool { return y.shake != nil || len(y.queue) > 0 }

func (y *security) write(b []byte) error {
	if y.holds() {
		y.queue = append(y.queue, item{text: append([]byte(nil), b...)})
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

// work works through the queue.
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
		y.size -= len(next.text)
		_ = y.seal(next.text) // the outbox has told of a failure
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

// drop lets go of what is queued, when the stream has ended.
func (y *security) drop() {
	queue := y.queue
	y.queue, y.size, y.then = nil, 0, nil
	for _, i := range queue {
		if i.file != nil {
			i.file.fail(net.ErrClosed)
		}
	}
	if y.shake != nil {
		y.shake.Cancel(nil)
	}
}

// ErrTLSAlready is returned by who is asked to start TLS twice.
var ErrTLSAlready = errors.New("TLS was started before")
