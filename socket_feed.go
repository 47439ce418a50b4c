package corolla

import (
	"fmt"
	"net"

	"github.com/corolla-go/corolla/internal/ds"
)

// A program whose loops share one listening socket has one of them accept, and hand out what it has
// accepted. To the servers on the other loops, of whatever style, a Feed is the listening socket, so
// that they need not know, and their limits and handshakes are their own.

// Feed is a listening socket that accepts what it is given, instead of what the system has.
type Feed struct {
	sock    *Socket
	waiting ds.Ring[*Moving]
	taken   func(*Socket)
	stop    func() // of OnClose
}

// NewFeed returns a Feed on a loop. Its socket has no descriptor; addr is the address of the socket that
// really listens. Connections have the options of the one that accepted them.
func NewFeed(l *Loop, addr net.Addr) (*Feed, error) {
	l.check("NewFeed")
	if l.state >= closing {
		return nil, fmt.Errorf("corolla: feed %v: %w", addr, ErrLoopClosed)
	}
	f := &Feed{}
	f.sock = &Socket{
		descriptor: descriptor{loop: l, fd: -1}, network: networkOf(addr),
		set: &socketOptions{feed: f, policies: defaultPolicies},
	}
	f.sock.know(names{local: addr})
	f.stop = l.OnClose(func() { _ = f.sock.Close() }) // or it was closed before
	f.sock.OnClosed(f.closed)
	return f, nil
}

// Socket returns the socket to accept from: TryAccept, OnReadable and WaitReadable work as on any that
// listens. Servers of all styles can be given it.
func (f *Feed) Socket() *Socket { return f.sock }

// Offer gives the Feed a connection to be accepted. If its socket is closed, so is the connection.
func (f *Feed) Offer(m *Moving) {
	f.sock.loop.check("Feed.Offer")
	if f.sock.closed {
		_ = m.Close() // nobody wants it
		return
	}
	f.waiting.Push(m)
	f.sock.r.begin()
}

// OnTaken sets the function that is called, with its socket, whenever a connection was accepted, or with
// nil if it was closed instead. Whoever feeds can count those that wait, and those that are open.
func (f *Feed) OnTaken(taken func(*Socket)) { f.taken = taken }

// Len returns how many connections wait to be accepted.
func (f *Feed) Len() int {
	f.sock.loop.check("Feed.Len")
	return f.waiting.Len()
}

// accept is TryAccept.
func (f *Feed) accept() (*Socket, error) {
	for f.waiting.Len() > 0 {
		m := f.waiting.Pop()
		s, err := m.To(f.sock.loop)
		if f.taken != nil {
			f.taken(s)
		}
		if err == nil || f.sock.closed {
			return s, err
		}
		f.sock.loop.report(opError("accept at", f.sock.LocalAddr(), err))
	}
	f.sock.r.ready = false
	return nil, ErrWouldBlock
}

// closed closes what nobody will accept.
func (f *Feed) closed() {
	f.stop()
	for f.waiting.Len() > 0 {
		_ = f.waiting.Pop().Close() // nobody has heard of it
		if f.taken != nil {
			f.taken(nil)
		}
	}
}
