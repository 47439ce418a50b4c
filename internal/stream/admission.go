package stream

// A server asks Full before it accepts and Admit after, and is told when there is room again;
// whether it waits in a task or for a callback is up to it.
//
// A connection holds its place until its socket is closed, not until its handler is done with it:
// one that lingers, to send what a slow peer has yet to take, still holds a descriptor and memory.
// So the place is given back by Socket.OnClosed, wherever the socket is closed.

import (
	"net"
	"time"

	"github.com/corolla-go/corolla"
)

// Admission decides which connections a server takes. The zero value takes them all.
type Admission struct {
	MaxConns   int // at a time; 0 means no limit
	MaxPerPeer int // of one host at a time; 0 means no limit

	Refuses  bool                       // connections beyond MaxConns; otherwise they wait to be accepted
	LastWord func(peer net.Addr) []byte // to those refused; nil means none

	conns   int
	peers   map[string]int
	parting int // refused, and still being told
	leave   func()
	room    func()
}

// OnRoom sets the function that is called when there is room after Full was true. It is called
// while a socket is being closed, so it should only set a flag or schedule work.
func (a *Admission) OnRoom(f func()) { a.room = f }

// Full reports whether another connection has to wait to be accepted.
func (a *Admission) Full() bool { return !a.Refuses && a.over() }

func (a *Admission) over() bool { return a.MaxConns > 0 && a.conns >= a.MaxConns }

// Conns returns how many connections hold a place.
func (a *Admission) Conns() int { return a.conns }

// Admit gives a connection a place for as long as its socket is open. If there is no place it
// refuses the connection, which then no longer concerns the server, and reports false.
func (a *Admission) Admit(s *corolla.Socket) bool {
	peer := ""
	if a.MaxPerPeer > 0 {
		peer = s.PeerHost() // empty for unnamed clients, which have nothing in common
	}
	if a.over() || peer != "" && a.peers[peer] >= a.MaxPerPeer {
		a.refuse(s)
		return false
	}
	a.take(s, peer)
	return true
}

// Take gives a connection a place as Admit does, even if there is none: it was admitted elsewhere.
func (a *Admission) Take(s *corolla.Socket) {
	peer := ""
	if a.MaxPerPeer > 0 {
		peer = s.PeerHost()
	}
	a.take(s, peer)
}

func (a *Admission) take(s *corolla.Socket, peer string) {
	a.conns++
	if peer == "" {
		if a.leave == nil {
			a.leave = a.left
		}
		s.OnClosed(a.leave)
		return
	}
	if a.peers == nil {
		a.peers = map[string]int{}
	}
	a.peers[peer]++
	s.OnClosed(func() {
		if a.peers[peer]--; a.peers[peer] == 0 {
			delete(a.peers, peer)
		}
		a.left()
	})
}

// left gives a place back.
func (a *Admission) left() {
	was := a.Full()
	if a.conns--; was && a.room != nil {
		a.room()
	}
}

const (
	partingTime = time.Second // how long a peer has to take its last word
	maxParting  = 64          // peers being told one at a time; others are reset
	maxUnread   = 64 << 10    // bytes that such a peer may send meanwhile
)

// refuse ends a connection. Without a last word it is reset, since there is nothing to lose.
func (a *Admission) refuse(s *corolla.Socket) {
	word := a.lastWord(s)
	if len(word) == 0 {
		_ = s.Reset()
		return
	}
	a.part(s, word)
}

// lastWord asks for the last word, and recovers from a panic in LastWord.
func (a *Admission) lastWord(s *corolla.Socket) (word []byte) {
	if a.LastWord == nil || a.parting >= maxParting {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			s.Loop().Recovered(v, "the function that refuses a connection")
		}
	}()
	return a.LastWord(s.PeerAddr())
}

// part waits until the peer has taken its last word and closes too. If we closed at once, with data
// unread, the system would send a reset, and the peer might lose the word.
func (a *Admission) part(s *corolla.Socket, word []byte) {
	closeIt := func() { _ = s.Close() } // it may be closed already
	a.parting++
	unread, limit := maxUnread, s.Loop().After(partingTime, closeIt)
	s.OnClosed(func() {
		a.parting--
		limit.Stop()
	})
	corolla.SetThrottle(s, nil, nil) // nobody waits for those who were refused
	out := new(corolla.Outbox)
	out.Init(s, func(error) { closeIt() })
	_ = out.Write(word) // which closes the socket if it fails
	out.Finish(func() {
		if s.CloseWrite() != nil {
			closeIt()
		}
	})
	s.OnReadable(func() {
		n, err := s.TryRead(s.Loop().Scratch())
		if unread -= n; unread < 0 || err != nil && err != corolla.ErrWouldBlock {
			closeIt() // the peer has closed, or will not listen
		}
	})
}
