package corolla

import "errors"

// A socket that is throttled has a gate in each direction. To all that waits for the socket, a gate
// that is shut looks like a system that is not ready, so whatever moves bytes obeys it: reads, writes,
// files, splices, TLS. It is shut by the attempt that may not move anything, and by the one that has used
// up what it may, and opened by the limiter. Limiting connections above the socket was rejected: sendfile
// and splice would pass it by, and a connection that nobody reads would still fill a buffer.

// Throttle limits how many bytes a second each connection may receive, and how many it may send; 0 is no
// limit, less is an error. Bytes count as they are on the wire: with TLS, its handshake and all that it
// adds do. What is not read stays in the system's buffers, and so with the peer.
//
// A throttled connection that is closed still sends what was written before, at its rate. How long it may
// take is not limited as long as the peer takes what comes; but when its loop is closed, the rest is sent
// without a limit, in the time that CloseTimeout says. Datagrams are not limited.
func Throttle(receive, send int64) SocketOption {
	return func(o *socketOptions) {
		for _, rate := range [...]int64{receive, send} {
			if rate < 0 {
				o.errs = append(o.errs, errors.New("corolla: Throttle: at least 0 bytes a second"))
			}
		}
		o.limits.own = [2]int64{receive, send}
	}
}

// ThrottleShared limits how many bytes a second all connections that are given the same Limiter may
// receive, and send, together; nil is no limit. If both are the same one it limits the sum. A connection
// can have limits of its own as well; see Throttle, which says what is counted.
func ThrottleShared(receive, send *Limiter) SocketOption {
	return func(o *socketOptions) { o.limits.shared = [2]*Limiter{receive, send} }
}

// SetThrottle has a socket obey other limiters, either of which may be nil, instead of those that the
// options Throttle and ThrottleShared have given it. What waits may go on at once as far as the new ones
// allow it. It panics if one belongs to another loop.
func SetThrottle(s *Socket, receive, send *Limiter) {
	s.loop.check("SetThrottle")
	if s.closed {
		return
	}
	if err := errors.Join(receive.join(s.loop), send.join(s.loop)); err != nil {
		panic(err.Error())
	}
	throttleBy(s, throttle{shared: [2]*Limiter{receive, send}})
}

// Throttled reports whether a socket waits for a Limiter, be it to read or to write.
func Throttled(s *Socket) bool {
	s.loop.check("Throttled")
	return s.r.held || s.w.held
}

var errOtherLoop = errors.New("corolla: a Limiter is used on two loops; each needs its own")

// join makes a limiter, which may be nil, that of a loop.
func (m *Limiter) join(l *Loop) error {
	switch {
	case m == nil:
	case m.loop == nil:
		m.begin(l)
	case m.loop != l:
		return errOtherLoop
	}
	return nil
}

// throttle is what options say of limits, for receiving and for sending.
type throttle struct {
	own    [2]int64
	shared [2]*Limiter
}

// gates are those of a throttled socket, for receiving and for sending.
type gates [2]gate

// gate is one direction of a throttled socket.
type gate struct {
	dir    *direction
	claims [2]claim // on the socket's own limiter, and on a shared one, which is asked last
}

// throttleAsSet gives a stream the gates that its options ask for.
func throttleAsSet(s *Socket) {
	if s.set != nil && !s.packets() {
		throttleBy(s, s.set.limits)
	}
}

// throttleBy gives a socket the gates that it needs, in place of those that it has.
func throttleBy(s *Socket, t throttle) {
	unthrottle(s)
	if t == (throttle{}) && (s.set == nil || s.set.limits == t) {
		return
	}
	own, _ := socketSettings(nil)
	if s.set != nil {
		own = *s.set
	}
	own.limits, own.gates = t, new(gates)
	s.set = &own
	for i, d := range [...]*direction{&s.r, &s.w} {
		if t.own[i] == 0 && t.shared[i] == nil {
			continue
		}
		d.gated = true
		g := &own.gates[i]
		g.dir = d
		for j := range g.claims {
			g.claims[j].gate = g
		}
		if g.claims[1].limiter = t.shared[i]; t.own[i] > 0 {
			g.claims[0].limiter = NewLimiter(t.own[i])
			g.claims[0].limiter.begin(s.loop)
		}
	}
}

// unthrottle takes a socket's gates away.
func unthrottle(s *Socket) {
	for i, d := range [...]*direction{&s.r, &s.w} {
		if d.gated {
			d.gated = false
			g := &s.set.gates[i]
			g.claims[0].leave()
			g.claims[1].leave()
			g.open()
		}
	}
}

// pass returns how much of size may be moved; if nothing, the direction is not ready any more. Like
// passed, it is small, so that the compiler inlines it: most sockets have no gates.
func pass(s *Socket, d *direction, size int) int {
	if d.gated {
		return mayPass(s, d, size)
	}
	return size
}

// passed is told that of size, of which so many were allowed, n were moved.
func passed(s *Socket, d *direction, size, allowed, n int) {
	if d.gated {
		hasPassed(s, d, size, allowed, n)
	}
}

func mayPass(s *Socket, d *direction, size int) int { return gateOf(s, d).pass(size) }

func hasPassed(s *Socket, d *direction, size, allowed, n int) {
	g := gateOf(s, d)
	if n > 0 {
		g.claims[0].moved(uint64(n))
		g.claims[1].moved(uint64(n))
	}
	if n == allowed && n < size && d.ready { // so there is more to move
		if d == &s.w {
			size -= n
		}
		g.pass(size)
	}
}

func gateOf(s *Socket, d *direction) *gate {
	if d == &s.r {
		return &s.set.gates[0]
	}
	return &s.set.gates[1]
}

func (g *gate) pass(size int) int {
	for i := range g.claims {
		n := g.claims[i].allow(uint64(size))
		if n == 0 {
			g.dir.hold()
			return 0
		}
		size = int(n)
	}
	return size
}

// open lets the direction go on.
func (g *gate) open() {
	if d := g.dir; d.held {
		d.held = false
		if d.behind {
			d.begin()
		}
	}
}

// hold makes a direction look as if the system were not ready.
func (d *direction) hold() { d.held, d.behind, d.ready = true, d.ready, false }

// writeSome writes the first size bytes of buffers, at least 1 and less than they have.
func writeSome(s *Socket, bufs [][]byte, size int) (int, error) {
	p := &s.loop.segments
	for _, b := range bufs {
		b = b[:min(size, len(b))]
		if p.cut = append(p.cut, b); len(b) == size {
			break
		}
		size -= len(b)
	}
	n, err := s.loop.host.TryWriteBatch(s.fd, p.cut)
	clear(p.cut) // it must not keep sent data alive
	p.cut = p.cut[:0]
	return n, err
}
