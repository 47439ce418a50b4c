// Command echo compares echo servers: what each request costs the server in CPU time and in
// system calls.
//
// The server runs on one core and the load on another. On loopback the client is the
// bottleneck, so requests per second would say little: the figure is what the server used.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"

	"github.com/corolla-go/corolla/bench/internal/servers"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

const about = `echo compares what a request of 64 bytes and its answer cost an echo server, on connections
that last and on one for each request, which is accepted, answered and closed.

The servers: c (epoll, compiled with gcc), net (Go's own), gnet, and the models of Corolla.
Each has one core and its load another; they take turns, in fresh processes, and the medians
and ranges of all rounds are shown. System calls are counted in separate turns, by perf or
else by strace, if either works. Exit status: 0, 1 on failure, 2 on bad usage.`

//go:embed epoll.c
var cSource []byte

// settings is what was asked for, and what the figures were made with.
type settings struct {
	rounds, requests turns.Count
	conns            turns.Counts
	only             turns.Names
	json             bool
	cProgram         string // where c was compiled to
}

func main() {
	valid := append([]string{"c"}, servers.Names()...)
	set := &settings{
		rounds: 7, requests: 200_000, conns: turns.Counts{100, 1000},
		only: turns.Names{Valid: valid, Chosen: valid},
	}
	turns.Command{
		Name:  "echo",
		About: about,
		Flags: func(fs *flag.FlagSet) {
			fs.Var(&set.rounds, "rounds", "turns for each server, a `number`")
			fs.Var(&set.requests, "requests", "requests in a turn, a `number`")
			fs.Var(&set.conns, "conns", "connections, comma-separated `numbers`")
			fs.Var(&set.only, "only", "the servers, comma-separated `names`; ratios are to the first")
			fs.BoolVar(&set.json, "json", false, "write one JSON object")
		},
		Run: set.run,
		Roles: map[string]func([]string) error{
			"server": func(args []string) error { return servers.Run(args[0]) },
			"load":   playLoad,
		},
	}.Main()
}

func (set *settings) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "corolla-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the C program: %w", err)
	}
	defer os.RemoveAll(dir)
	if set.only.Has("c") {
		if set.cProgram, err = turns.Compile(ctx, dir, "epoll", cSource); err != nil {
			return fmt.Errorf("%w; --only leaves servers out", err)
		}
	}
	count, how := findCounter()
	out := report{
		Machine: turns.ThisMachine(), Rounds: int(set.rounds), Requests: int(set.requests),
		Bytes: message, RatiosTo: set.only.Chosen[0], Counted: how,
	}
	if !set.json {
		if err := out.writeHead(os.Stdout); err != nil {
			return err
		}
	}
	for _, j := range set.jobs() {
		p, err := set.measure(ctx, j, count)
		if err != nil {
			return err
		}
		out.Parts = append(out.Parts, p)
		if !set.json {
			if err := out.writePart(os.Stdout, p); err != nil {
				return err
			}
		}
	}
	if set.json {
		return turns.WriteJSON(os.Stdout, out)
	}
	return nil
}

// job is what one table is about.
type job struct {
	work            work
	conns, requests int
}

// jobs are one for each number of lasting connections, and one with the first number of fresh
// connections at a time.
func (set *settings) jobs() (all []job) {
	for _, conns := range set.conns {
		all = append(all, job{onKept, conns, int(set.requests)})
	}
	return append(all, job{onFresh, set.conns[0], min(max(int(set.requests)/10, 1), maxFresh)})
}

func (j job) String() string {
	if j.work == onFresh {
		return fmt.Sprintf("a connection for each request, %d at a time, %d requests", j.conns, j.requests)
	}
	return fmt.Sprintf("%d connections", j.conns)
}

// cost is what one request costs the server, in microseconds.
type cost struct{ total, user float64 }

// measure compares the servers at one job.
func (set *settings) measure(ctx context.Context, j job, count counter) (part, error) {
	what := j.String()
	costs, err := turns.Rounds(ctx, what, set.only.Chosen, int(set.rounds),
		func(ctx context.Context, name string) (cost, error) { return set.timeTurn(ctx, name, j) })
	if err != nil {
		return part{}, err
	}
	counted := map[string][]calls{}
	if count != nil {
		counted, err = turns.Rounds(ctx, what+", system calls", set.only.Chosen, min(int(set.rounds), countRounds),
			func(ctx context.Context, name string) (calls, error) { return set.countTurn(ctx, name, j, count) })
		if err != nil {
			return part{}, err
		}
	}
	return newPart(j, set.only.Chosen, costs, counted), nil
}

// timeTurn measures the CPU time of one server.
func (set *settings) timeTurn(ctx context.Context, name string, j job) (cost, error) {
	var c cost
	err := set.turn(ctx, name, j, func(pid int, ask func() error) error {
		before, err := turns.CPUOf(pid)
		if err != nil {
			return err
		}
		if err := ask(); err != nil {
			return err
		}
		after, err := turns.CPUOf(pid)
		total, user := after.Since(before)
		c.total = float64(total.Nanoseconds()) / 1e3 / float64(j.requests)
		c.user = float64(user.Nanoseconds()) / 1e3 / float64(j.requests)
		return err
	})
	return c, err
}

// turn runs one server and its load, which is warm and waiting when body is called; body calls ask
// to have the requests sent and answered.
func (set *settings) turn(ctx context.Context, name string, j job,
	body func(pid int, ask func() error) error,
) error {
	srv, err := set.start(ctx, name)
	if err != nil {
		return err
	}
	defer srv.Kill()
	load, err := turns.StartLoad(ctx, srv, "load", string(j.work), fmt.Sprint(j.conns), fmt.Sprint(j.requests))
	if err != nil {
		return err
	}
	defer load.Kill()
	return body(srv.Pid(), func() error {
		if err := load.Say("go"); err != nil {
			return fmt.Errorf("the load: %w", err)
		}
		if err := load.Expect("done"); err != nil {
			return fmt.Errorf("the load: %w", err)
		}
		return nil
	})
}

func (set *settings) start(ctx context.Context, name string) (*turns.Child, error) {
	if name == "c" {
		return turns.Start(ctx, turns.ServerCore, set.cProgram)
	}
	return turns.StartRole(ctx, turns.ServerCore, "server", name)
}
