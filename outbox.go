package corolla

// Outbox holds what was written to a socket and not sent yet: every model's connections
// write through one. It never waits and never refuses for want of room; instead it says
// when it is above its high water mark, and when it is down to its low one again.
//
// The first write of a turn is tried at once, and so is a large one. What else is written in
// the same turn, and what is written while the outbox is corked, leaves together, in one call
// to the system. An empty outbox holds no memory.
//
// Init prepares one. It owns the socket's OnWritable.
type Outbox struct {
	sock   *Socket
	chunks [][]byte // of which the first is sent from off on
	one    [1][]byte
	off    int
	size   int
	turn   uint64 // in which the last write was tried
	corked bool
	armed  bool // flush is the socket's OnWritable

	low, high int
	above     bool
	onMarks   func(above bool)
	waiting   Waiters

	err     error
	onError func(error)
	closing bool
	onEmpty func()
	loans   *[]loan // of which each has a nil among chunks; seldom there are any
	lent    bool
}

// loan is somebody else's turn to write to the socket.
type loan struct {
	use  func(back func())
	lost func(error)
}

// Init prepares an outbox for a socket. failed is told, once, of an error in sending; what
// is in the outbox is then dropped.
func (o *Outbox) Init(s *Socket, failed func(error)) {
	s.loop.check("Outbox.Init")
	s.out = o
	*o = Outbox{sock: s, turn: ^uint64(0), low: DefaultLowWater, high: DefaultHighWater, onError: failed}
}

// Err returns the error with which sending has failed, or nil.
func (o *Outbox) Err() error {
	o.sock.loop.check("Outbox.Err")
	return o.err
}

// Len returns how many bytes are to be sent.
func (o *Outbox) Len() int {
	o.sock.loop.check("Outbox.Len")
	return o.size
}

// Write takes b to be sent; b can be reused at once. The error is net.ErrClosed after
// Finish or on a closed socket, or that with which sending has failed.
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

// WriteBatch is Write of several pieces, which leave in one call to the system if they are
// not too many.
func (o *Outbox) WriteBatch(bufs [][]byte) error {
	o.sock.loop.check("Outbox.WriteBatch")
	if err := o.usable(); err != nil {
		return err
	}
	n, total := 0, 0
	for _, b := range bufs {
		total += len(b)
	}
	if o.direct(total) {
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
	o.mark() // once, for it may do anything, even drop the outbox
	return nil
}

// filled returns the pieces that are not empty.
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

// direct reports whether a write of so many bytes is to be tried at once, and if so notes that
// it is. A large one always is: it gains nothing by leaving together with others.
func (o *Outbox) direct(size int) bool {
	l := o.sock.loop
	if o.pending() || o.corked || o.turn == l.turns && size < chunkSize {
		return false
	}
	o.turn = l.turns
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

// keep buffers what was not sent, and sees to it that it will be.
func (o *Outbox) keep(b []byte) {
	if len(b) == 0 {
		return
	}
	o.size += len(b)
	if n := len(o.chunks); n > 0 {
		last := &o.chunks[n-1]
		fits := min(cap(*last)-len(*last), len(b))
		*last = append(*last, b[:fits]...)
		b = b[fits:]
	}
	if len(b) > 0 {
		if o.chunks == nil {
			o.chunks = o.one[:0] // mostly one is enough
		}
		o.chunks = append(o.chunks, append(o.sock.loop.chunks.take(len(b)), b...))
	}
	o.arm()
}

func (o *Outbox) arm() {
	if !o.armed && !o.corked && !o.lent {
		o.armed = true
		o.sock.OnWritable(o.flush)
	}
}

// Cork makes what is written wait for Uncork.
func (o *Outbox) Cork() {
	o.sock.loop.check("Outbox.Cork")
	o.corked = true
}

// Uncork sends what was written since Cork, in one call to the system if it is not much.
func (o *Outbox) Uncork() {
	o.sock.loop.check("Outbox.Uncork")
	o.corked = false
	if o.pending() && !o.lent && !o.armed && o.err == nil {
		o.flush()
		if o.pending() && o.err == nil {
			o.arm()
		}
	}
}

// TrySend sends what the system takes of what only waits to leave together with the rest of the
// turn. It is for who has to know how much the peer does not take.
func (o *Outbox) TrySend() {
	o.sock.loop.check("Outbox.TrySend")
	if o.pending() && !o.corked && !o.lent && o.err == nil {
		o.flush()
	}
}

// pending reports whether something waits, be it only somebody's turn.
func (o *Outbox) pending() bool { return len(o.chunks) > 0 }

// flush sends what it can.
func (o *Outbox) flush() {
	if o.chunks[0] == nil {
		o.lend()
		return
	}
	n, err := o.send()
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

func (o *Outbox) send() (int, error) {
	first := o.chunks[0][o.off:]
	n := 1 // how many chunks there are before somebody else's turn
	for n < len(o.chunks) && o.chunks[n] != nil {
		n++
	}
	if n == 1 {
		return o.sock.TryWrite(first)
	}
	whole := o.chunks[0]
	o.chunks[0] = first
	sent, err := o.sock.TryWriteBatch(o.chunks[:n])
	o.chunks[0] = whole
	return sent, err
}

// sent drops n bytes from the front.
func (o *Outbox) sent(n int) {
	o.size -= n
	for n > 0 {
		rest := len(o.chunks[0]) - o.off
		if n < rest {
			o.off += n
			break
		}
		n -= rest
		o.sock.loop.chunks.give(o.chunks[0])
		o.drop()
	}
}

// drop takes the first chunk out.
func (o *Outbox) drop() {
	o.chunks[0], o.off = nil, 0
	if o.chunks = o.chunks[1:]; len(o.chunks) == 0 {
		o.chunks = nil
	}
}

func (o *Outbox) disarm() {
	if o.armed {
		o.armed = false
		o.sock.OnWritable(nil)
	}
}

// Finish takes no more writes, and calls done once all is sent: at once if it is.
func (o *Outbox) Finish(done func()) {
	o.sock.loop.check("Outbox.Finish")
	o.closing = true
	o.WhenEmpty(done)
}

// WhenEmpty calls done, once, when all is sent: at once if it is. It replaces what was to
// be called before.
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

// Drop drops what was not sent. Tasks in Wait return. It is what closing the socket does.
func (o *Outbox) Drop() {
	o.sock.loop.check("Outbox.Drop")
	o.closing, o.onEmpty = true, nil
	o.chunks, o.off, o.size, o.above = nil, 0, 0, false
	o.disarm()
	o.waiting.WakeAll()
	o.loseLoans()
}

func (o *Outbox) fail(err error) {
	o.err = err
	o.closing, o.onEmpty = true, nil
	if failed := o.onError; failed != nil {
		failed(err) // before those who wait, for they may ask the connection
	}
	o.Drop()
}

// flushNow is flush, if the socket takes anything.
func (o *Outbox) flushNow() {
	if o.sock.w.ready {
		o.corked = false
		o.flush()
	}
}

// sendable reports whether there are bytes to send before it is somebody else's turn, which does
// not come any more.
func (o *Outbox) sendable() bool { return len(o.chunks) > 0 && o.chunks[0] != nil }
