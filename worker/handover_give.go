package worker

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// ErrNotTaken is why a connection was not handed over: there is no successor, as at the end of the pool, or it
// does not know the name, has refused, has ended, or does not answer. The connection is as it was.
var ErrNotTaken = errors.New("worker: not handed over")

// giver is a retired worker's end of what it hands over.
type giver struct {
	w       *Worker
	channel channel
	begun   bool // the worker is retired
	spoken  bool // the successor speaks as we do
	takes   map[string]bool
	waiting []*gift
	open    map[uint64]*gift // offered, or on their way
	last    uint64
	patient *corolla.Timer // until the successor must have answered something
	why     error          // nothing can be handed over any more
	ended   []func()       // are told of that

	gone, kept int
	reason     error // of the last that was kept
}

// gift is a connection to be handed over.
type gift struct {
	id    uint64
	offer message
	conn  *aio.Conn
	done  func(err error)
	given bool  // it is the successor's, unless that says no or ends
	over  bool  // done was called
	err   error // with this
}

// newGiver returns the giver of a worker; sock is nil if its parent has not passed one.
func newGiver(w *Worker, sock *corolla.Socket) *giver {
	g := &giver{w: w, takes: map[string]bool{}, open: map[uint64]*gift{}}
	if sock == nil {
		g.why = fmt.Errorf("%w: the parent has no way to a successor", ErrNotTaken)
		return g
	}
	g.channel = channel{sock: sock, heard: g.heard, lost: g.lost}
	return g
}

// begin hears what the successor has said so far, when the worker retires.
func (g *giver) begin() {
	g.begun = true
	if g.why != nil {
		return
	}
	if g.channel.listen(); g.why == nil && !g.spoken {
		g.end(fmt.Errorf("%w: there is no successor, or it takes none", ErrNotTaken))
	}
}

// knows returns why nothing with a name can be handed over, or nil.
func (g *giver) knows(name string) error {
	switch {
	case g.why != nil:
		return g.why
	case !g.begun:
		return fmt.Errorf("%w: the worker is not retired", ErrNotTaken)
	case !g.takes[name]:
		return fmt.Errorf("%w: the successor takes no %q", ErrNotTaken, name)
	}
	return nil
}

// give offers a connection. Done is called later, unless give returns an error.
func (g *giver) give(name string, c *aio.Conn, state []byte, done func(err error)) (*gift, error) {
	err := g.knows(name)
	var ahead []byte
	if err == nil {
		_, ahead, err = c.Share()
	}
	if err == nil && len(state)+len(ahead) > MaxState {
		err = fmt.Errorf("%d bytes of state, and %d that were received and not read: %d at most together", len(state), len(ahead), MaxState)
	}
	if err != nil {
		return nil, g.keep(err)
	}
	g.last++
	m := message{
		Kind: "offer", ID: g.last, Name: name, State: state, Ahead: ahead,
		Local: address(c.LocalAddr()), Peer: address(c.RemoteAddr()),
	}
	x := &gift{id: g.last, offer: m, conn: c, done: done}
	g.waiting = append(g.waiting, x)
	g.next()
	return x, nil
}

// keep counts a connection that is not handed over, and returns why.
func (g *giver) keep(why error) error {
	if !errors.Is(why, ErrNotTaken) {
		why = fmt.Errorf("%w: %w", ErrNotTaken, why)
	}
	g.kept++
	g.reason = why
	return why
}

// next sends offers for as long as not too many are open.
func (g *giver) next() {
	for len(g.open) < maxOffers && len(g.waiting) > 0 && g.why == nil {
		x := g.waiting[0]
		g.waiting = g.waiting[1:]
		g.open[x.id] = x
		m := x.offer
		x.offer = message{}
		g.channel.send(m, nil, nil)
	}
	g.wait()
}

// wait begins to wait for an answer, if there are offers without one.
func (g *giver) wait() {
	if g.patient != nil {
		g.patient.Stop()
		g.patient = nil
	}
	for _, x := range g.open {
		if !x.given {
			g.patient = g.w.loop.After(g.w.patience(), g.tired)
			return
		}
	}
}

// tired ends a wait for a successor that does not answer. What is given it may still take.
func (g *giver) tired() {
	g.end(fmt.Errorf("%w: the successor has not answered for %v", ErrNotTaken, g.w.patience()))
}

func (g *giver) heard(m message, _ func() *os.File) {
	switch m.Kind {
	case "hello": // and again, of another successor, if one before did not become ready
		g.spoken, g.takes = m.Version == handOverVersion, map[string]bool{}
		return
	case "take":
		g.takes[m.Name] = true
		return
	}
	x := g.open[m.ID]
	switch {
	case x == nil:
		if m.Kind == "accept" { // too late
			g.channel.send(message{Kind: "never", ID: m.ID}, nil, nil)
		}
	case m.Kind == "accept" && !x.given:
		f, _, err := x.conn.Share()
		if err != nil { // it was closed meanwhile
			g.channel.send(message{Kind: "never", ID: m.ID}, nil, nil)
			g.settle(x, err)
			break
		}
		x.given = true
		g.channel.send(message{Kind: "yours", ID: m.ID}, f, nil)
	case m.Kind == "mine" && x.given:
		g.settle(x, nil)
	case m.Kind == "refuse":
		g.settle(x, fmt.Errorf("the successor: %s", m.Why))
	}
	g.next()
}

// settle ends a gift, and closes the connection here if it has gone.
func (g *giver) settle(x *gift, err error) {
	if g.open[x.id] != x {
		return
	}
	delete(g.open, x.id)
	if err != nil {
		err = g.keep(err)
	} else {
		g.gone++
		forget(x.conn)
	}
	x.tell(err)
}

func (x *gift) tell(err error) {
	x.over, x.err = true, err
	x.done(err)
}

// forget closes a connection that is another process's now.
func forget(c *aio.Conn) {
	if m, err := c.Move(); err == nil { // which does not tell the peer, or wait
		_ = m.Close()
		return
	}
	_ = c.Close() // or it is closed
}

// withdraw takes a gift back for a caller that does not wait any more. It reports whether it still could.
func (g *giver) withdraw(x *gift) bool {
	delete(g.open, x.id)
	g.waiting = slices.DeleteFunc(g.waiting, func(o *gift) bool { return o == x })
	if x.given {
		g.gone++
		forget(x.conn)
		return false
	}
	_ = g.keep(errors.New("its task was canceled"))
	g.next()
	return true
}

// lost is called when the channel has ended. What is not known to be the successor's is ours.
func (g *giver) lost(err error) {
	if closed(err) {
		err = errors.New("the successor has ended")
	}
	g.end(fmt.Errorf("%w: %w", ErrNotTaken, err))
	for _, id := range slices.Sorted(maps.Keys(g.open)) {
		g.settle(g.open[id], g.why)
	}
}

// end keeps what is not given yet.
func (g *giver) end(why error) {
	if g.why != nil {
		return
	}
	g.why = why
	if g.patient != nil {
		g.patient.Stop()
	}
	kept := g.waiting
	g.waiting = nil
	for _, id := range slices.Sorted(maps.Keys(g.open)) {
		if x := g.open[id]; !x.given {
			delete(g.open, id)
			kept = append(kept, x)
		}
	}
	for _, x := range kept {
		x.tell(g.keep(why))
	}
	for _, f := range g.ended {
		f()
	}
}

// close ends the channel with the worker, and tells the parent how it went.
func (g *giver) close() {
	if g.gone+g.kept > 0 {
		why := ""
		if g.reason != nil {
			why = " " + oneLine(g.reason.Error())
		}
		g.w.tell(fmt.Sprintf("HANDED=%d %d%s", g.gone, g.kept, why))
	}
	if g.channel.sock != nil {
		g.channel.lost = nil
		g.channel.end(nil)
	}
	if g.patient != nil {
		g.patient.Stop()
	}
}

// patience is how long a successor may take to answer.
func (w *Worker) patience() time.Duration { return w.linger / 2 }

// HandOver hands a connection over to the worker that replaces this one, once this one is to end, and parks t until
// that is done: nil means that the connection is the other worker's, and closed here, without its peer's notice.
// The other one must have a function for the name (OnHandOver); it gets the state, at most MaxState bytes of
// whatever the two understand. What was received and not read goes along, and what was written is sent before.
//
// An error that is ErrNotTaken says why it stays here: the caller finishes with it as if there were no HandOver,
// and so it is with TLS always, as its keys cannot be passed on. If t is canceled, by the end of Pool.Grace, the
// connection stays too, unless it is given already. Nobody else may use the connection meanwhile.
func (w *Worker) HandOver(t *corolla.Task, name string, c *aio.Conn, state []byte) error {
	w.loop.Check("worker.Worker.HandOver")
	g := w.give
	err := g.knows(name)
	if err != nil {
		return g.keep(err)
	}
	err = t.Timeout(w.linger, func(*corolla.Scope) error { return c.Flush(t) })
	if err != nil {
		return g.keep(err)
	}
	done := corolla.NewFuture[struct{}](w.loop)
	x, err := g.give(name, c, state, func(error) { _ = done.Resolve(struct{}{}) }) // unless it is canceled
	if err != nil {
		return err
	}
	_, err = done.Await(t)
	switch {
	case x.over:
		return x.err
	case g.withdraw(x):
		return err
	}
	return nil
}

// UntilRetired runs f in a scope of its own, which is canceled, with ErrRetired as the cause, when the worker is
// to end: what a connection's task waits for its peer in, before it calls HandOver. It should not write there, as
// the cancel might cut an answer short. As with OnRetire, the body's task is then not canceled at once.
func (w *Worker) UntilRetired(t *corolla.Task, f func(s *corolla.Scope) error) error {
	w.loop.Check("worker.Worker.UntilRetired")
	return t.Cancelable(func(s *corolla.Scope) error {
		if w.Retiring() {
			s.Cancel(ErrRetired)
		}
		w.scopes[s] = true
		defer delete(w.scopes, s)
		return f(s)
	})
}
