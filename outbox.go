package corolla

// Outbox buffers data that was written to a socket and not yet sent: every model's
// connections write through one. It never blocks and never rejects a write for lack of room;
// instead it says when it rises above its high water mark, and when it falls to its low one.
//
// The first write of a turn is tried at once, and so is a large one. Further writes of the same
// turn, and those made while the outbox is corked, are sent together, in one system call. An
// empty outbox holds no memory.
//
// Init prepares one. It owns the socket's OnWritable.
type Outbox struct {
	sock        *Socket
	first, last *segment
	size        int    // bytes in all segments
	tried       uint64 // the turn of the loop in which a write was last tried at once
	onWritable  func() // advance, made on first use
	err         error
	onError     func(error)
	onEmpty     func()

	low, high int
	onMarks   func(above bool)
	waiting   Waiters

	corked  bool
	armed   bool // advance is the socket's OnWritable
	above   bool
	closing bool
}

// Init prepares an outbox for a socket. failed is called, once, with an error in sending; the
// contents of the outbox are then dropped.
func (o *Outbox) Init(s *Socket, failed func(error)) {
	s.loop.check("Outbox.Init")
	s.out = o
	*o = Outbox{sock: s, tried: ^uint64(0), low: DefaultLowWater, high: DefaultHighWater, onError: failed}
}

// Err returns the error with which sending failed, or nil.
func (o *Outbox) Err() error {
	o.sock.loop.check("Outbox.Err")
	return o.err
}

// Len returns how many bytes are unsent.
func (o *Outbox) Len() int {
	o.sock.loop.check("Outbox.Len")
	return o.size
}

// Write sends b, or buffers it; b can be reused at once. The error is net.ErrClosed after
// Finish or on a closed socket, or the one with which sending failed.
func (o *Outbox) Write(b []byte) error {
	o.sock.loop.check("Outbox.Write")
	if err := o.usable(); err != nil {
		return err
	}
	if o.direct(len(b)) {
		n, err := o.sock.TryWrite(b)
		if err != nil && err != ErrWouldBlock {
			o.fail(err)
			return err
		}
		b = b[n:]
	}
	o.keep(b)
	o.mark()
	return nil
}

// WriteBatch is Write for several buffers, which are sent in one system call if there are not
// too many.
func (o *Outbox) WriteBatch(bufs [][]byte) error {
	o.sock.loop.check("Outbox.WriteBatch")
	if err := o.usable(); err != nil {
		return err
	}
	n := 0
	if o.direct(total(bufs)) {
		var err error
		if n, err = o.sock.TryWriteBatch(filled(bufs)); err != nil && err != ErrWouldBlock {
			o.fail(err)
			return err
		}
	}
	for _, b := range bufs {
		skip := min(n, len(b))
		n -= skip
		o.keep(b[skip:])
	}
	o.mark() // once, because its callback may do anything, even drop the outbox
	return nil
}

// filled returns the buffers that are not empty.
func filled(bufs [][]byte) [][]byte {
	for i, b := range bufs {
		if len(b) == 0 {
			some := append([][]byte(nil), bufs[:i]...)
			for _, b := range bufs[i+1:] {
				if len(b) > 0 {
					some = append(some, b)
				}
			}
			return some
		}
	}
	return bufs
}

// direct reports whether to try a write of size bytes at once, and if so records that for this
// turn. A large one always is: sending it together with others gains nothing.
func (o *Outbox) direct(size int) bool {
	l := o.sock.loop
	if o.pending() || o.corked || o.tried == l.turns && size < segmentSize {
		return false
	}
	o.tried = l.turns
	return true
}

func (o *Outbox) usable() error {
	switch {
	case o.err != nil:
		return o.err
	case o.closing || o.sock.closed:
		return o.sock.gone("write")
	}
	return nil
}

// keep buffers what was not sent, and arranges for it to be.
func (o *Outbox) keep(b []byte) {
	if len(b) == 0 {
		return
	}
	o.size += len(b)
	if last := o.last; last != nil && last.turn == nil {
		fits := min(cap(last.bytes)-len(last.bytes), len(b))
		last.bytes = append(last.bytes, b[:fits]...)
		b = b[fits:]
	}
	if len(b) > 0 {
		s := o.sock.loop.segments.take(len(b))
		s.bytes = append(s.bytes, b...)
		o.push(s)
	}
	o.arm()
}

// Cork holds back what is written until Uncork.
func (o *Outbox) Cork() {
	o.sock.loop.check("Outbox.Cork")
	o.corked = true
}

// Uncork sends what was written since Cork, in one system call if it is not too much.
func (o *Outbox) Uncork() {
	o.sock.loop.check("Outbox.Uncork")
	o.corked = false
	if !o.armed && o.sendable() {
		o.advance()
		if o.sendable() {
			o.arm()
		}
	}
}

// TrySend sends, as far as the system takes it, what was held back only to be sent together with the
// rest of the turn. It is for callers that must know how much is held up by the peer.
func (o *Outbox) TrySend() {
	o.sock.loop.check("Outbox.TrySend")
	if !o.corked && o.sendable() {
		o.advance()
	}
}

// pending reports whether anything is in line, even if only a turn.
func (o *Outbox) pending() bool { return o.first != nil }

// sendable reports whether the first segment in line can be started, or continued.
func (o *Outbox) sendable() bool { return o.pending() && !o.lent() && o.err == nil }

// arm makes the outbox advance when the socket is writable.
func (o *Outbox) arm() {
	if o.armed || o.corked || o.lent() {
		return
	}
	if o.onWritable == nil {
		o.onWritable = o.advance
	}
	o.armed = true
	o.sock.OnWritable(o.onWritable)
}

func (o *Outbox) disarm() {
	if o.armed {
		o.armed = false
		o.sock.OnWritable(nil)
	}
}

// advance sends what the system takes, or begins a borrower's turn.
func (o *Outbox) advance() {
	if o.first.turn != nil {
		o.lend()
		return
	}
	n, err := o.sock.loop.segments.write(o.sock, o.first)
	if err != nil && err != ErrWouldBlock {
		o.fail(err)
		return
	}
	o.sent(n)
	o.mark()
	if !o.pending() {
		o.disarm()
		o.emptied()
	}
}

// sent drops n bytes from the front.
func (o *Outbox) sent(n int) {
	o.size -= n
	for n > 0 {
		rest := len(o.first.unsent())
		if n < rest {
			o.first.sent += n
			return
		}
		n -= rest
		o.shift()
	}
}

// Finish refuses further writes, and calls done once everything is sent; at once if it is.
func (o *Outbox) Finish(done func()) {
	o.sock.loop.check("Outbox.Finish")
	o.closing = true
	o.WhenEmpty(done)
}

// WhenEmpty calls done, once, when everything is sent; at once if it is. It replaces the
// function set before.
func (o *Outbox) WhenEmpty(done func()) {
	o.sock.loop.check("Outbox.WhenEmpty")
	o.onEmpty = done
	o.emptied()
}

func (o *Outbox) emptied() {
	if !o.pending() {
		o.waiting.WakeAll()
	}
	if done := o.onEmpty; done != nil && !o.pending() {
		o.onEmpty = nil
		done()
	}
}

// Drop drops everything unsent, and makes tasks in Wait return. Closing the socket does the same.
func (o *Outbox) Drop() {
	o.sock.loop.check("Outbox.Drop")
	o.closing, o.onEmpty = true, nil
	first := o.first
	o.first, o.last, o.size, o.above = nil, nil, 0, false
	o.disarm()
	o.waiting.WakeAll()
	o.lose(first)
}

func (o *Outbox) fail(err error) {
	o.err = err
	o.closing, o.onEmpty = true, nil
	if failed := o.onError; failed != nil {
		failed(err) // before waiting tasks run, which may ask the connection
	}
	o.Drop()
}
