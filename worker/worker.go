// Package worker runs a server in several processes, each the program itself, and replaces them by those of a
// new version without a connection refused.
//
//	func main() {
//		corolla.Main(func(t *corolla.Task) error {
//			pool := worker.Pool{Listen: []worker.Address{{Name: "web", Network: "tcp", Address: ":8080"}}}
//			return worker.Run(t, pool, func(t *corolla.Task, w *worker.Worker) error {
//				ln, err := w.Listen("web")
//				if err != nil {
//					return err
//				}
//				return w.ServeHTTP(t, &web.Server{Handler: handler()}, ln)
//			})
//		})
//	}
//
// The process that was started is the parent. It opens the listening sockets, starts the program again for each
// worker, with the sockets among what that inherits, and serves nothing itself. In a worker Run calls the
// function. All workers accept from the same sockets, so what one of them no longer accepts another does, and
// while there is none connections wait in the system's queue.
//
// # Signals
//
// SIGHUP starts as many workers again, of the program that is there now. Once all of them are ready the old ones
// are retired: they stop accepting, hand over connections that wait, finish what they are at within Pool.Grace,
// and end. If one does not become
// ready, all new ones are ended, the log says why, and the old ones go on. A SIGHUP that comes meanwhile has its
// turn when the old workers have ended, so that there are never more than twice as many.
//
// A cancel of Run's task, which is what corolla.Main makes of SIGTERM and SIGINT, retires all workers and waits
// for them. A second signal ends the parent at once; workers that have lost their parent, by that or by
// kill -9, retire by themselves.
//
// # Connections
//
// Idle HTTP connections go from a retired worker to the one that replaces it, unless they have TLS (ServeHTTP), and
// so do connections of protocols that can save what they know of one (Worker.HandOver and OnHandOver). What is under way
// when one of the two is killed belongs to the other, unless it has gone already.
//
// # Failures
//
// A worker that ends without having been told to is started again, at once if it was ready for 10 s and otherwise
// after Pool.Backoff, as the version that it was: the parent keeps its program file open, so that a new version
// that does not work cannot get in this way. A worker whose loop hangs, or whose check fails, is aborted after
// Pool.Watchdog. If the first workers do not become ready, Run returns why.
//
// # Systemd and containers
//
// Sockets that systemd passes take the place of those that Pool.Listen names. The parent tells systemd when it
// is ready, reloads and stops (Type=notify), and keeps its watchdog quiet. As process 1 of a container it also
// reaps processes that others have left behind.
//
// The parent itself is not replaced: a change of Pool, or of the addresses, needs a restart, which drops no
// connection when systemd holds the sockets.
package worker

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
)

// Defaults of a Pool.
const (
	DefaultReadyTimeout = 30 * time.Second
	DefaultGrace        = 30 * time.Second
	DefaultLinger       = 5 * time.Second
	DefaultWatchdog     = 30 * time.Second
)

// Pool says what to run. The zero value is one worker for each processor, without a listening socket.
type Pool struct {
	Workers int       // how many; 0 means one for each processor that Go uses
	Listen  []Address // what the parent listens at

	// Program is the file that workers run, and Args what it is given: this program, by the name that it
	// was started under, with its own arguments, if they are empty and nil. Where that name is a symbolic
	// link, it is followed anew for each reload.
	Program string
	Args    []string

	// ReadyTimeout is how long workers may take to become ready. The default is 30 s.
	ReadyTimeout time.Duration
	// Grace is how long a worker may take to end when it is retired. Then its task is canceled, and 5 s
	// later it is killed. The default is 30 s.
	Grace time.Duration
	// Linger is how long a retired worker keeps an idle HTTP connection that it cannot hand over for one more
	// request: ServeHTTP. The default is 5 s. It is part of Grace. A successor that has said nothing for half of
	// it is offered no more connections.
	Linger time.Duration
	// Watchdog is how long a worker may show no sign of life until it is aborted, with SIGABRT, which makes
	// Go print what it was at. The default is 30 s; less than 0 is no watchdog.
	Watchdog time.Duration
	// Backoff is how long to wait before a worker is started that has failed so many times in a row, from 1.
	// One that was ready for 10 s has not. The default is service.Backoff from 0.1 s to 10 s, with a factor
	// of 2 and a little at random.
	Backoff func(failed int) time.Duration

	// Forward are signals that the parent passes on to all workers.
	Forward []os.Signal

	// Log is told what happens to workers. nil means slog.Default.
	Log *slog.Logger
	// Stdout and Stderr get what workers print, line by line, each behind the worker that printed it: "worker
	// 2.1: listening", of which 2 is the worker's number and 1 that of the reloads before it. They are
	// written to on another goroutine, one line or more at a time. nil means the parent's own.
	Stdout, Stderr io.Writer
}

// Address is what a pool listens at, under a name for Worker.Socket. Network and Address are those of
// corolla.Loop.Listen; port 0 is one that the system chooses when the parent starts.
type Address struct {
	Name             string // without ":", and not empty
	Network, Address string
	Options          []corolla.SocketOption // those of a listening socket: Backlog, FileMode, ReusePort
}

// ErrRetired is why a worker's task is canceled that was told to end.
var ErrRetired = errors.New("worker: retired")

// Run runs a pool, or, in a process that a pool has started, one of its workers: body. A program calls it once,
// and has nothing of its own running in the parent that workers should not have too.
//
// In the parent it returns nil when t was canceled and all workers have ended in order, and otherwise what went
// wrong. In a worker it returns what body returns, and nil if that is only the cancel of a retired worker; t's
// own cancel does not reach body, since it is the parent that tells workers to end.
func Run(t *corolla.Task, pool Pool, body func(t *corolla.Task, w *Worker) error) error {
	if err := pool.complete(t.Loop()); err != nil {
		return err
	}
	if as, ok := takeRole(); ok {
		return pool.work(t, as, body)
	}
	return supervise(t, pool)
}

// complete checks a pool, and sets defaults.
func (p *Pool) complete(l *corolla.Loop) error {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	set(&p.ReadyTimeout, DefaultReadyTimeout)
	set(&p.Grace, DefaultGrace)
	set(&p.Linger, DefaultLinger)
	set(&p.Watchdog, DefaultWatchdog)
	if p.Workers == 0 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	if p.Workers < 0 || p.ReadyTimeout < 0 || p.Grace < 0 || p.Linger < 0 {
		return errors.New("worker: negative Workers, ReadyTimeout, Grace or Linger")
	}
	names := map[string]bool{}
	for _, a := range p.Listen {
		if a.Name == "" || strings.Contains(a.Name, ":") || reserved(a.Name) || names[a.Name] {
			return fmt.Errorf("worker: listen at %s: the name %q: it must not be empty, have a colon, or be %q, %q, %q or another's",
				a.Address, a.Name, channelName, nextName, lastName)
		}
		names[a.Name] = true
	}
	if p.Args == nil {
		p.Args = os.Args[1:]
	}
	if p.Backoff == nil {
		p.Backoff = service.Backoff(50*time.Millisecond, 10*time.Second, 2, service.Jitter(l, 50*time.Millisecond))
	}
	if p.Log == nil {
		p.Log = slog.Default()
	}
	if p.Stdout == nil {
		p.Stdout = os.Stdout
	}
	if p.Stderr == nil {
		p.Stderr = os.Stderr
	}
	return nil
}
