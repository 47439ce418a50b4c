package worker

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// ErrWithdrawn is why Offer.Take fails when the worker that offered the connection goes on with it, or has ended.
var ErrWithdrawn = errors.New("worker: the offer was withdrawn")

// Offer is a connection that a retired worker hands over.
type Offer struct {
	Name  string // that it was handed over under
	State []byte // what the other worker knew of it; its meaning is between the two

	of    *taker
	id    uint64
	ahead []byte
	ends  [2]string // addresses: its own, and the peer's

	asked   bool // Take was called
	settled bool
	file    *corolla.Future[*os.File] // the descriptor
	sure    *corolla.Future[struct{}] // that the other worker will forget it
}

// taker is a worker's end of what its predecessor hands over.
type taker struct {
	w       *Worker
	channel channel
	known   map[string]func(t *corolla.Task, o *Offer) error
	open    map[uint64]*Offer
	tasks   map[*corolla.Future[struct{}]]bool // of handlers
	taken   int
}

// newTaker returns the taker of a worker, which has said hello; sock is nil if there is no predecessor.
func newTaker(w *Worker, sock *corolla.Socket) *taker {
	k := &taker{w: w, known: map[string]func(*corolla.Task, *Offer) error{}, open: map[uint64]*Offer{}, tasks: map[*corolla.Future[struct{}]]bool{}}
	if sock == nil {
		k.channel.over = true
		return k
	}
	k.channel = channel{sock: sock, heard: k.heard, lost: k.lost}
	k.channel.send(message{Kind: "hello", Version: handOverVersion}, nil, nil)
	k.channel.listen()
	return k
}

// handle sets the function for a name.
func (k *taker) handle(name string, f func(t *corolla.Task, o *Offer) error) {
	if k.known[name] != nil {
		panic(fmt.Sprintf("worker: OnHandOver of %q, which has a function already", name))
	}
	k.known[name] = f
	k.channel.send(message{Kind: "take", Name: name}, nil, nil)
}

func (k *taker) heard(m message, take func() *os.File) {
	o := k.open[m.ID]
	switch {
	case m.Kind == "offer" && o == nil:
		k.offered(m)
	case m.Kind == "yours":
		f := take()
		switch {
		case f == nil:
			k.channel.end(errors.New("no descriptor came"))
		case o == nil || !o.asked || o.file.Done():
			_ = f.Close() // it was refused meanwhile, so the other goes on with it
		default:
			_ = o.file.Resolve(f)
		}
	case m.Kind == "never" && o != nil:
		k.withdraw(o)
	}
}

// offered runs the function for an offer.
func (k *taker) offered(m message) {
	f := k.known[m.Name]
	why := ""
	switch {
	case f == nil:
		why = fmt.Sprintf("it takes no %q", m.Name)
	case k.w.Retiring():
		why = "it is retired, too"
	case len(k.open) >= 2*maxOffers: // half of them may be withdrawn ones that it has not told of yet
		why = "too many offers"
	}
	if why != "" {
		k.channel.send(message{Kind: "refuse", ID: m.ID, Why: why}, nil, nil)
		return
	}
	l := k.w.loop
	o := &Offer{
		Name: m.Name, State: m.State, of: k, id: m.ID, ahead: m.Ahead, ends: [2]string{m.Local, m.Peer},
		file: corolla.NewFuture[*os.File](l), sure: corolla.NewFuture[struct{}](l),
	}
	k.open[o.id] = o
	task := l.Go(func(t *corolla.Task) error {
		err := f(t, o)
		if !o.settled {
			o.refuse(err)
			return nil
		}
		if err != nil && t.Err() == nil && !errors.Is(err, ErrWithdrawn) { // which the other worker tells
			l.Report(fmt.Errorf("worker: %q, handed over: %w", o.Name, err))
		}
		return nil
	}, corolla.Describe(f, o))
	k.tasks[task] = true
	task.OnDone(func(t *corolla.Future[struct{}]) {
		delete(k.tasks, t)
		_, err := t.Result() // it has panicked, or never begun
		if err != nil {
			o.refuse(err)
		}
		if err != nil && !corolla.IsOnly(err, corolla.ErrCanceled) {
			l.Report(err)
		}
	})
}

// refuse says no, and why.
func (o *Offer) refuse(err error) {
	if o.settled {
		return
	}
	if err == nil {
		err = errors.New("it was not taken")
	}
	o.settle()
	o.of.channel.send(message{Kind: "refuse", ID: o.id, Why: err.Error()[:min(len(err.Error()), 1000)]}, nil, nil)
	o.drop()
}

// drop closes the descriptor of a connection that the other worker goes on with, if it has come.
func (o *Offer) drop() {
	if !o.file.Done() {
		_ = o.file.Fail(ErrWithdrawn)
	}
	if f, err := o.file.Result(); err == nil {
		_ = f.Close()
	}
}

// settle takes the offer off the books.
func (o *Offer) settle() {
	o.settled = true
	delete(o.of.open, o.id)
}

// withdraw ends an offer that the other worker has taken back.
func (k *taker) withdraw(o *Offer) {
	o.settle()
	o.drop()
	if !o.sure.Done() {
		_ = o.sure.Fail(ErrWithdrawn)
	}
	_, _ = o.sure.Result() // Take tells it, if it was called
}

// lost is called when the channel has ended. If that is because the other worker has, what it has given is ours.
func (k *taker) lost(err error) {
	for _, id := range slices.Sorted(maps.Keys(k.open)) {
		o := k.open[id]
		if closed(err) && o.file.Done() {
			_ = o.sure.Resolve(struct{}{})
			continue
		}
		k.withdraw(o)
	}
	if !closed(err) {
		k.w.loop.Report(fmt.Errorf("worker: what the one before hands over: %w", err))
	}
}

// Take takes the connection, as if ln had accepted it, and returns it; what was received ahead is there to be
// read. With a nil ln it has no options. It parks t until it is certain that the other worker will not touch the
// connection any more. After an error that worker goes on with it.
func (o *Offer) Take(t *corolla.Task, ln *aio.Listener) (*aio.Conn, error) {
	k := o.of
	switch {
	case o.asked:
		return nil, fmt.Errorf("worker: a second Take of an offer: %w", corolla.ErrBusy)
	case o.settled:
		return nil, ErrWithdrawn
	}
	o.asked = true
	k.channel.send(message{Kind: "accept", ID: o.id}, nil, nil)
	f, err := o.file.Await(t)
	var c *aio.Conn
	if err == nil {
		if c, err = o.adopt(f, ln); err == nil {
			k.channel.send(message{Kind: "mine", ID: o.id}, nil, func() { _ = o.sure.Resolve(struct{}{}) })
			err = t.Shielded(func(*corolla.Scope) error { // it takes no longer than the channel lasts
				_, err := o.sure.Await(t)
				return err
			})
		}
	}
	if err != nil {
		if o.refuse(err); c != nil {
			forget(c)
		}
		return nil, fmt.Errorf("worker: take %q: %w", o.Name, err)
	}
	_ = f.Close() // it was duplicated
	o.settle()
	k.taken++
	return c, nil
}

// adopt makes a connection of the descriptor.
func (o *Offer) adopt(f *os.File, ln *aio.Listener) (c *aio.Conn, err error) {
	if ln != nil {
		c, err = ln.Adopt(f, parseAddress(o.ends[0]), parseAddress(o.ends[1]))
	} else {
		var s *corolla.Socket
		if s, err = o.of.w.loop.Adopt(f); err == nil {
			c = aio.NewConn(s)
		}
	}
	if err != nil {
		return nil, err
	}
	c.Unread(o.ahead)
	return c, nil
}

// String describes the offer, for lists of tasks.
func (o *Offer) String() string { return fmt.Sprintf("%s handed over, of %s", o.Name, o.ends[1]) }

// close cancels the handlers, and waits for them.
func (k *taker) close(t *corolla.Task) {
	for f := range k.tasks { // order does not matter to them
		f.Cancel(nil)
	}
	for len(k.tasks) > 0 {
		for f := range k.tasks {
			_, _ = f.Await(t) // its errors are reported
			break
		}
	}
	if !k.channel.over {
		k.channel.lost = nil
		k.channel.end(nil)
	}
}

// OnHandOver sets the function for connections that the worker before this one hands over under a name
// (HandOver): it gets each in a task of its own, which is canceled when the body returns. It looks at
// Offer.State and calls Offer.Take; from then on the connection is its own, to be closed by it or given to a server
// (aio.Server.Adopt). If it returns without having called Take, the connection stays with the other worker, whose
// log has the error. OnHandOver is called before Ready, Serve and ServeHTTP: what the other worker finds no
// function for when it is told to end stays there. It panics if the name has a function.
func (w *Worker) OnHandOver(name string, f func(t *corolla.Task, o *Offer) error) {
	w.loop.Check("worker.Worker.OnHandOver")
	w.take.handle(name, f)
}

// HandOverStats says how many connections a worker has taken over, has handed over, and has not been able to.
type HandOverStats struct{ Taken, Given, Kept int }

// HandOverStats returns the numbers so far. The parent's log has them when a worker has ended.
func (w *Worker) HandOverStats() HandOverStats {
	w.loop.Check("worker.Worker.HandOverStats")
	return HandOverStats{Taken: w.take.taken, Given: w.give.gone, Kept: w.give.kept}
}
