package shard

import (
	"fmt"

	"github.com/corolla-go/corolla"
)

// Moving is a connection on its way from one loop to another: a *corolla.Moving, of a Socket, an
// *aio.Moving or a *transport.Moving. The Move methods of connections, and corolla.Move, make one. Of a
// green.Conn it is that of its AIO.
type Moving[C any] interface {
	To(l *corolla.Loop) (C, error)
	Close() error
}

// Move moves a connection to another shard, where f is called with it:
//
//	m, err := c.Move()
//	if err != nil {
//		return err // c stays, and can be used
//	}
//	if err := shard.Move(s, to, m, func(to *shard.Shard, c *aio.Conn) { … }); err != nil {
//		return errors.Join(err, m.Close())
//	}
//
// What the peer has sent, and nobody has read, moves too, and so does TLS; so a server moves a connection
// between two requests, when it has sent its answer.
//
// It is Send otherwise. After an error nothing has moved: m is still the caller's, who may take it back to
// its own loop (m.To(s.Loop())), or close it. A connection that was on its way to a shard that has ended
// is closed.
func Move[C any](s *Shard, to int, m Moving[C], f func(to *Shard, c C)) error {
	k, err := s.link("shard.Move", to)
	switch {
	case err != nil:
		return err
	case !k.take():
		return ErrFull
	}
	s.send(k, &move[C]{m, f})
	return nil
}

// PutMove is Move that parks t while the queue is full, as Put does. Meanwhile the connection belongs to
// nobody.
func PutMove[C any](t *corolla.Task, s *Shard, to int, m Moving[C], f func(to *Shard, c C)) error {
	return s.put(t, "shard.PutMove", to, &move[C]{m, f})
}

// move is a message with a connection.
type move[C any] struct {
	conn Moving[C]
	f    func(to *Shard, c C)
}

func (m *move[C]) run(k *link) bool {
	c, err := m.conn.To(k.to.loop)
	if err != nil {
		k.to.loop.Report(fmt.Errorf("from %v: %w", k.from, err))
		return true
	}
	m.f(k.to, c)
	return true
}

func (m *move[C]) failed(k *link, v any) {
	if v != nil {
		k.to.loop.Recovered(v, fmt.Sprintf("the function that takes a connection from %v", k.from))
	}
}

func (m *move[C]) drop() { _ = m.conn.Close() } // nobody else has it

func (m *move[C]) lost() bool { return false }
