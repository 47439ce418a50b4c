package program

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
	"github.com/corolla-go/corolla/worker"
)

// This file has the processes and loops of the chat. Each process has a loop that hears signals, or its parent, and
// the shards, which serve. The parent of workers, or else the one process, also runs the cluster's server: it outlives
// workers and reloads. Workers find it by a variable, with a password that nobody else knows.
//
// A process that listens has everything but, perhaps, a majority of the cluster's machines. The first of a parent's
// workers do not wait for that, as the other machines may not have been started; those of a reload do, and
// until then the old ones go on.

// serverVariable has the URL of the cluster's server that a parent runs.
const serverVariable = "COROLLA_CHAT_SERVER"

const (
	linger  = time.Second     // for one more request on idle connections of a worker that retires
	goodbye = 3 * time.Second // to tell the cluster who has left
)

// chatProcess is a process of the chat.
type chatProcess struct {
	*chat
	c      *console
	out    io.Writer // the log
	log    *slog.Logger
	loop   *corolla.Loop
	w      *worker.Worker // nil unless it is one
	file   *os.File       // what a worker listens at
	url    string         // of the cluster's server
	shards []*shard.Shard // that there are
	up     int            // those of them that serve
	ended  *parting
}

// serve runs the chat.
func (o *chat) serve(c *console) error {
	out := newAside(c.err)
	defer out.close()
	report := corolla.ErrorHandler(func(err error) { fmt.Fprintln(out, "corolla serve:", err) })
	l, err := corolla.New(report)
	if err != nil {
		return err
	}
	p := &chatProcess{chat: o, c: c, out: out, log: slog.New(slog.NewTextHandler(out, nil)), loop: l}
	return corolla.RunOnce(l, nil, p.run)
}

func (p *chatProcess) run(t *corolla.Task) error {
	if p.cluster != "" {
		stop, err := p.findServer(t)
		if err != nil {
			return err
		}
		defer stop()
	}
	if p.workers == 0 {
		return p.serveHere(t)
	}
	pool := worker.Pool{
		Workers: p.workers, Listen: []worker.Address{{Name: "chat", Network: "tcp", Address: p.addr}},
		Grace: grace, Log: p.log, Stdout: p.c.out, Stderr: p.out,
	}
	told := 0
	return t.Cancelable(func(s *corolla.Scope) error {
		stop := p.loop.OnSignal(func(os.Signal) {
			if told++; told > 1 {
				os.Exit(statusFailed) // workers see that, and go
			}
			s.Cancel(nil)
		}, os.Interrupt, syscall.SIGTERM)
		return worker.Run(t, pool, func(t *corolla.Task, w *worker.Worker) (err error) {
			stop() // it hears of the end from its parent
			p.w = w
			if p.file, err = w.File("chat"); err != nil {
				return err
			}
			defer p.file.Close()
			w.Check(p.check)
			w.OnRetire(func() { p.end(parting{websocket.CodeServiceRestart, "this process ends"}) })
			return p.serveShards(t)
		})
	})
}

// findServer finds the cluster's server, or starts it.
func (p *chatProcess) findServer(t *corolla.Task) (stop func(), err error) {
	stop = func() {}
	p.url = p.cluster
	if p.cluster != "embed" {
		return stop, nil
	}
	if p.url = os.Getenv(serverVariable); p.url != "" {
		return stop, os.Unsetenv(serverVariable)
	}
	url, stopIt, err := p.c.cluster.Serve(t, p.config)
	if err != nil {
		return stop, err
	}
	p.url = url
	if p.workers > 0 {
		err = os.Setenv(serverVariable, url)
	}
	return func() { stopIt(t) }, err
}

// serveHere serves without workers, until a signal.
func (p *chatProcess) serveHere(t *corolla.Task) error {
	told := 0
	defer p.loop.OnSignal(func(os.Signal) {
		if told++; told == 1 {
			p.end(parting{websocket.CodeGoingAway, "the server stops"})
			return
		}
		for _, s := range p.shards {
			_ = s.Loop().Post(func() { (*halls.Of(s)).hurry() }) // or it has ended
		}
	}, os.Interrupt, syscall.SIGTERM)()
	return p.serveShards(t)
}

// serveShards runs the shards until they are told to end.
func (p *chatProcess) serveShards(t *corolla.Task) error {
	opts := shard.LoopOptions(func(i int) []corolla.Option {
		return []corolla.Option{corolla.ErrorHandler(func(err error) { fmt.Fprintf(p.out, "corolla serve: shard %d: %v\n", i, err) })}
	})
	n := p.chat.shards
	running := corolla.Offload(p.loop, func() (struct{}, error) {
		return struct{}{}, shard.Run(n, p.serveShard, opts)
	})
	err := t.Shielded(func(*corolla.Scope) error {
		_, err := running.Await(p.loop.Current())
		return err
	})
	var one *shard.Error
	if n == 1 && errors.As(err, &one) {
		err = one.Err
	}
	return err
}

// end tells the shards that there are, and those to come, to end.
func (p *chatProcess) end(how parting) {
	if p.ended == nil {
		p.ended = &how
		for _, s := range p.shards {
			tellToEnd(s, how)
		}
	}
}

func tellToEnd(s *shard.Shard, how parting) {
	_ = s.Loop().Post(func() { (*halls.Of(s)).end(how) }) // or it has ended
}

// began is told, on the process's loop, that there is a shard.
func (p *chatProcess) began(s *shard.Shard) {
	if p.shards = append(p.shards, s); p.ended != nil {
		tellToEnd(s, *p.ended)
	}
}

// check waits until every shard's loop has turned: one that hangs is the watchdog's business.
func (p *chatProcess) check(t *corolla.Task) error {
	for _, s := range p.shards {
		turned := corolla.NewFuture[struct{}](p.loop)
		err := s.Loop().Post(func() { // the process's loop is there for as long as its shards
			_ = p.loop.Post(func() { _ = turned.Resolve(struct{}{}) }) // unless nobody waits any more
		})
		if err != nil {
			return nil // it has ended, and the process will
		}
		if _, err := turned.Await(t); err != nil {
			return err
		}
	}
	return nil
}

// serving is told, on the process's loop, that a shard serves.
func (p *chatProcess) serving(at net.Addr) {
	if p.up++; p.up < p.chat.shards {
		return
	}
	fmt.Fprintf(p.c.out, "listening on %v\n", at)
	if p.w != nil {
		p.w.Ready()
	}
}

// serveShard is the body of a shard.
func (p *chatProcess) serveShard(s *shard.Shard) error {
	t, l := s.Task(), s.Loop()
	h := *halls.Of(s)
	_ = p.loop.Post(func() { p.began(s) }) // it is there for as long as its shards
	h.queue = p.queue << 10
	h.on.Node = p.config.Node
	if p.w != nil {
		h.on.Worker, h.on.Generation = p.w.Number(), p.w.Generation()
	}
	if err := p.openRooms(h); err != nil {
		return err
	}
	defer h.close(t)
	ln, err := p.listen(s)
	if err != nil {
		return err
	}
	if s.Index() == 0 {
		if err := p.openDoor(p.c, l); err != nil {
			return errors.Join(err, ln.Close())
		}
	}
	srv := &web.Server{Handler: logged(l, p.log, h.mux())}
	at := ln.Addr()
	up := l.Go(func(t *corolla.Task) error {
		if h.on.Generation > 0 {
			if _, err := corolla.Shield(h.rooms).Await(t); err != nil {
				return nil // it is to end
			}
		}
		return p.loop.Post(func() { p.serving(at) })
	})
	defer up.Cancel(nil)
	return h.serve(t, srv, ln, aio.MaxConns((p.most+s.Len()-1)/s.Len()))
}

// listen returns where a shard listens: at the socket of all workers, or where the first shard of this process
// accepts for all.
func (p *chatProcess) listen(s *shard.Shard) (*aio.Listener, error) {
	if p.file != nil {
		sock, err := s.Loop().Adopt(p.file)
		if err != nil {
			return nil, err
		}
		return aio.NewListener(sock), nil
	}
	sock, err := s.Listen("tcp", p.addr, shard.RoundRobin)
	if err != nil {
		return nil, err
	}
	return aio.NewListener(sock), nil
}

// openRooms opens the cluster's rooms, if there is a cluster. It does not wait.
func (p *chatProcess) openRooms(h *hall) error {
	if p.cluster == "" {
		h.on.Node = ""
		return nil
	}
	name := p.config.Node + "/" + strconv.Itoa(h.on.Worker) + "." + strconv.Itoa(h.on.Generation) + "/" + strconv.Itoa(h.on.Shard)
	h.opened = nil
	h.rooms = p.c.cluster.Open(h.s.Loop(), p.url, name, p.config, h)
	h.rooms.OnDone(func(f *corolla.Future[Rooms]) {
		if _, err := f.Result(); err != nil && h.going == nil {
			h.s.Task().Cancel(fmt.Errorf("rooms: %w", err))
		}
	})
	return nil
}

// serve serves until the hall is told to end.
func (h *hall) serve(t *corolla.Task, srv *web.Server, ln *aio.Listener, opts ...aio.ServeOption) error {
	var served corolla.Event
	l := h.s.Loop()
	h.srv = srv
	ending := l.Go(func(t *corolla.Task) error {
		if err := h.toEnd.Wait(t); err != nil {
			return nil
		}
		srv.SetKeepAlivesEnabled(false)
		_ = ln.Close() // it may have failed
		h.goAway()
		if h.going.code == websocket.CodeServiceRestart {
			_ = t.Timeout(linger, func(*corolla.Scope) error { return served.Wait(t) })
		}
		err := t.Timeout(grace, func(*corolla.Scope) error { return srv.Shutdown(t) })
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil // what was left has been reset
		}
		return err
	}, corolla.Name("end of the shard"))
	err := srv.Serve(t, ln, opts...)
	served.Set()
	if h.going == nil {
		ending.Cancel(nil)
		return err
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		err = nil // that is what it was told
	}
	return err
}

// hurry has what is left end at once.
func (h *hall) hurry() {
	if h.srv != nil {
		_ = h.srv.Close() // it ends in any case
	}
}

// close ends what the rooms know of this shard.
func (h *hall) close(t *corolla.Task) {
	if h.going == nil {
		h.going = new(parting) // it has failed
	}
	if h.rooms.Cancel(nil) {
		return // they were not open yet
	}
	rooms, err := h.rooms.Result()
	if err != nil {
		return
	}
	_ = t.Shielded(func(*corolla.Scope) error { // nobody waits for more than that
		return t.Timeout(goodbye, func(*corolla.Scope) error {
			rooms.Close(t)
			return nil
		})
	})
}
