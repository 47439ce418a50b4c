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

	in       []byte // arrived but not read
	under    int    // bytes sent to this end but not arrived
	finished bool   // the other end's stream has ended
	shut     bool   // this end's stream has ended

	blocked bool          // a write took less than was offered
	arrives time.Duration // when the newest segment from this end arrives
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

// send schedules something to reach the other end, after everything sent before.
func (w *World) send(d *desc, act func(to *desc)) {
	d.arrives = max(d.arrives, w.now+w.latency())
	to := d.other
	w.at(d.arrives, func() { act(to) })
}

func (m machine) TryRead(fd host.FD, b []byte) (n int, err error) {
	d, err := m.get(fd)
	if err != nil {
		return 0, err
	}
	defer func() { m.tracef("read fd=%d %d of %d %v", fd, n, len(b), err) }()
	switch {
	case d.end == writeEnd:
		return 0, syscall.EBADF
	case len(d.in) > 0: // even after a reset
		n = copy(b, d.in)
		if d.in = d.in[n:]; len(d.in) == 0 {
			d.in = nil
		}
		m.makeRoom(d)
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

// makeRoom tells a blocked writer when at least half of the buffer is free.
func (w *World) makeRoom(d *desc) {
	o := d.other
	if !o.blocked || len(d.in)+d.under > w.config.buffer/2 {
		return
	}
	if d.end == readEnd {
		w.unblock(o)
	} else {
		w.send(d, func(to *desc) { w.unblock(to) })
	}
}

func (w *World) unblock(d *desc) {
	if d.blocked && !d.closed {
		d.blocked = false
		w.raise(d, host.Writable)
	}
}

// TryReadUnix is TryRead: no files, which would end a read early, are passed here.
func (m machine) TryReadUnix(fd host.FD, b []byte) (n int, more bool, err error) {
	n, err = m.TryRead(fd, b)
	return n, false, err
}

func (m machine) TryWrite(fd host.FD, b []byte) (n int, err error) {
	d, err := m.get(fd)
	if err != nil {
		return 0, err
	}
	defer func() { m.tracef("write fd=%d %d of %d %v", fd, n, len(b), err) }()
	switch {
	case d.end == readEnd:
		return 0, syscall.EBADF
	case d.end == writeEnd:
		return m.pour(d, b)
	case d.err != nil:
		err = d.err
		d.err, d.finished = nil, true
		return 0, err
	case d.shut || d.connected && d.other == nil:
		return 0, syscall.EPIPE
	case !d.connected || d.blocked:
		return 0, host.ErrAgain
	}
	room := m.config.buffer - len(d.other.in) - d.other.under
	n = min(len(b), room)
	if !m.config.whole && n > 1 && m.rng.IntN(8) == 0 {
		n = 1 + m.rng.IntN(n-1)
	}
	if n < len(b) {
		m.block(d, n < room)
	}
	if n <= 0 {
		return 0, host.ErrAgain
	}
	m.segments(d, b[:n])
	return n, nil
}

func (m machine) TryWriteBatch(fd host.FD, bufs [][]byte) (int, error) {
	return m.TryWrite(fd, slices.Concat(bufs...))
}

// block makes d wait for room: a short time if there is some, else until the other end has read.
func (w *World) block(d *desc, soon bool) {
	d.blocked = true
	if soon {
		w.at(w.now+w.latency(), func() { w.unblock(d) })
	}
}

func (w *World) segments(d *desc, b []byte) {
	d.other.under += len(b)
	for len(b) > 0 {
		n := len(b)
		if !w.config.whole && n > 1 && w.rng.IntN(2) == 0 {
			n = 1 + w.rng.IntN(n)
		}
		seg := append([]byte(nil), b[:n]...)
		b = b[n:]
		w.send(d, func(to *desc) {
			to.under -= len(seg)
			switch {
			case to.closed:
				w.reset(to)
			case to.err == nil:
				to.in = append(to.in, seg...)
				w.raise(to, host.Readable)
			}
		})
	}
}

// reset answers something that arrived at a closed end.
func (w *World) reset(from *desc) {
	w.send(from, func(to *desc) {
		if !to.closed && to.err == nil {
			to.err, to.shut, to.gone = syscall.ECONNRESET, true, true
			w.raise(to, host.Readable|host.Writable|host.Hangup)
		}
	})
}

func (m machine) CloseWrite(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	if d.other == nil || !d.connected || d.gone {
		return syscall.ENOTCONN
	}
	m.tracef("closewrite fd=%d", fd)
	m.finish(d)
	return nil
}

func (w *World) finish(d *desc) {
	if d.shut {
		return
	}
	d.shut = true
	w.send(d, func(to *desc) {
		if !to.closed && !to.finished {
			to.finished = true
			w.raise(to, host.Readable|host.Hangup)
		}
	})
}

// hangUp closes one end. As on a real machine, the other end sees the end of the stream, or a reset
// if bytes were left unread.
func (w *World) hangUp(d *desc) {
	d.closed = true
	switch {
	case d.other == nil:
		return
	case d.end == readEnd:
		d.other.finished = true
		w.raise(d.other, host.Writable|host.Hangup)
		return
	}
	if len(d.in) > 0 {
		d.in = nil
		w.reset(d)
		return
	}
	w.finish(d)
}
