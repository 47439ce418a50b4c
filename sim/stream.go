package sim

import (
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// stream is one end of a simulated connection.
//
// As on a real machine, a short read means that the stream is drained, so reads are made short by
// splitting what is written into segments that arrive one by one.
type stream struct {
	other     *desc
	connected bool
	closed    bool
	end       end
	err       error // of connecting, or a reset
	gone      bool  // reset by the peer, whose address the system no longer knows
	broken    bool  // failed: what arrives is not for anybody

	in       []byte // arrived but not read
	under    int    // bytes sent to this end but not arrived
	finished bool   // the other end's stream has ended
	shut     bool   // this end's stream has ended

	blocked bool          // a write took less than was offered
	arrives time.Duration // when the newest segment from this end arrives
	outage
}

func (d *desc) join(o *desc) { d.other, o.other = o, d }

func (s *stream) level() (r host.Ready) {
	if len(s.in) > 0 || s.finished || s.err != nil {
		r |= host.Readable
	}
	if s.err != nil || s.connected && !s.blocked {
		r |= host.Writable
	}
	if s.finished || s.err != nil {
		r |= host.Hangup
	}
	return r
}

func (m *machine) TryRead(fd host.FD, b []byte) (n int, err error) {
	d, err := m.get(fd)
	if err != nil {
		return 0, err
	}
	if m.observed() {
		defer func() { m.tracef("read fd=%d %d of %d %v", fd, n, len(b), err) }()
	}
	switch {
	case d.end == writeEnd:
		return 0, syscall.EBADF
	case len(d.in) > 0: // even after a reset
		n = copy(b, d.in)
		if d.in = d.in[n:]; len(d.in) == 0 {
			d.in = nil
		}
		d.makeRoom()
		return n, nil
	case d.err != nil:
		err = d.err
		d.err, d.finished = nil, true
		return 0, err
	case d.finished:
		return 0, io.EOF
	}
	return 0, host.ErrAgain
}

// capacity is how many bytes d can have sent that are not read.
func (d *desc) capacity() int {
	if d.host.room > 0 {
		return d.host.room
	}
	return d.host.world.config.buffer
}

// makeRoom tells a blocked writer when at least half of the buffer is free.
func (d *desc) makeRoom() {
	o := d.other
	if !o.blocked || len(d.in)+d.under > o.capacity()/2 {
		return
	}
	if d.end == readEnd {
		o.unblock()
	} else {
		d.send("", nil, func(to *desc) { to.unblock() })
	}
}

func (d *desc) unblock() {
	if d.blocked && !d.closed {
		d.blocked = false
		d.raise(host.Writable)
	}
}

// TryReadUnix is TryRead: no files, which would end a read early, are passed here.
func (m *machine) TryReadUnix(fd host.FD, b []byte) (n int, more bool, err error) {
	n, err = m.TryRead(fd, b)
	return n, false, err
}

func (m *machine) TryWrite(fd host.FD, b []byte) (n int, err error) {
	d, err := m.get(fd)
	if err != nil {
		return 0, err
	}
	if m.observed() {
		defer func() { m.tracef("write fd=%d %d of %d %v", fd, n, len(b), err) }()
	}
	switch {
	case d.end == readEnd:
		return 0, syscall.EBADF
	case d.end == writeEnd:
		return d.pour(b)
	case d.err != nil:
		err = d.err
		d.err, d.finished = nil, true
		return 0, err
	case d.shut || d.connected && d.other == nil:
		return 0, syscall.EPIPE
	case !d.connected || d.blocked:
		return 0, host.ErrAgain
	}
	room := d.capacity() - len(d.other.in) - d.other.under
	n = min(len(b), room)
	rng := m.link(d.host, d.other.host).rng
	if !m.config.whole && n > 1 && rng.IntN(8) == 0 {
		n = 1 + rng.IntN(n-1)
	}
	if d.host.short > 0 {
		n = min(n, d.host.short)
	}
	if n < len(b) {
		d.block(n < room)
	}
	if n <= 0 {
		return 0, host.ErrAgain
	}
	d.segments(b[:n])
	return n, nil
}

func (m *machine) TryWriteBatch(fd host.FD, bufs [][]byte) (int, error) {
	return m.TryWrite(fd, slices.Concat(bufs...))
}

// block makes d wait for room: a short time if there is some, else until the other end has read.
func (d *desc) block(soon bool) {
	d.blocked = true
	if soon {
		w := d.host.world
		l := w.link(d.host, d.other.host)
		w.atFor(d.tie, d.clock()+l.now.Latency.draw(l.rng), func() { d.unblock() })
	}
}

func (d *desc) segments(b []byte) {
	w := d.host.world
	rng := w.link(d.host, d.other.host).rng
	d.other.under += len(b)
	for len(b) > 0 {
		n := len(b)
		if !w.config.whole && n > 1 && rng.IntN(2) == 0 {
			n = 1 + rng.IntN(n)
		}
		seg := append([]byte(nil), b[:n]...)
		b = b[n:]
		d.send("bytes", seg, func(to *desc) {
			to.under -= len(seg)
			switch {
			case to.closed || to.broken && !to.gone:
				to.reset()
			case to.err == nil && !to.broken:
				to.in = append(to.in, seg...)
				to.raise(host.Readable)
			}
		})
	}
}

// reset answers something that arrived at a closed end.
func (d *desc) reset() {
	d.send("a reset", nil, func(to *desc) {
		if !to.closed && to.err == nil && !to.broken {
			to.gone = true
			to.fail(syscall.ECONNRESET)
		}
	})
}

// fail ends a stream with an error.
func (d *desc) fail(err error) {
	d.err, d.shut, d.broken = err, true, true
	if err == syscall.ECONNRESET {
		d.notify(WasReset, d.host.world.now, d.otherHost(), "")
	}
	d.raise(host.Readable | host.Writable | host.Hangup)
}

func (m *machine) CloseWrite(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	if d.other == nil || !d.connected || d.gone {
		return syscall.ENOTCONN
	}
	m.tracef("closewrite fd=%d", fd)
	d.finish()
	return nil
}

func (d *desc) finish() {
	if d.shut {
		return
	}
	d.shut = true
	d.send("the end", nil, func(to *desc) {
		if !to.closed && !to.finished && !to.broken {
			to.finished = true
			to.raise(host.Readable | host.Hangup)
		}
	})
}

// hangUp closes one end. As on a real machine, the other end sees the end of the stream, or a reset
// if bytes were left unread.
func (d *desc) hangUp() {
	d.closed = true
	switch {
	case d.other == nil:
		return
	case d.end == readEnd:
		d.other.finished = true
		d.other.raise(host.Writable | host.Hangup)
		return
	}
	if len(d.in) > 0 {
		d.in = nil
		d.reset()
		return
	}
	d.finish()
}
