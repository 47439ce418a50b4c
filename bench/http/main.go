// Command http compares HTTP servers: what each request costs the server in CPU time, and how long
// its answer takes.
//
// The server runs on one core and the load on another. On loopback a quick server waits for the
// client, so requests per second say less than what the server used.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/corolla-go/corolla/bench/internal/httpservers"
	"github.com/corolla-go/corolla/bench/internal/httpwork"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

const about = `http compares what a request and its answer cost an HTTP server: five bytes, JSON, a file,
five bytes to 16 requests that are sent at once, and the messages of WebSockets, sent back to
one or to all.

The servers: net (net/http, with coder/websocket), web (Corolla's), fasthttp, nginx, node (Node's
http module) and uvicorn; what is not installed is left out. Each has one core and its load another; they take
turns, in fresh processes, and the medians and ranges of all rounds are shown. Every answer's
status and length are checked. Exit status: 0, 1 on failure, 2 on bad usage.`

// settings is what was asked for.
type settings struct {
	rounds, requests, conns, subscribers turns.Count
	only, work                           turns.Names
	json                                 bool
	dir                                  string // has the files of httpwork
}

func main() {
	set := &settings{
		rounds: 5, requests: 100_000, conns: 100, subscribers: 1000,
		only: turns.Names{Valid: httpservers.Names(), Chosen: httpservers.Names()},
		work: turns.Names{Kind: "work", Valid: workNames(), Chosen: workNames()},
	}
	turns.Command{
		Name:  "http",
		About: about,
		Flags: func(fs *flag.FlagSet) {
			fs.Var(&set.rounds, "rounds", "turns for each server, a `number`")
			fs.Var(&set.requests, "requests", "requests in a turn, a `number`; of files a tenth")
			fs.Var(&set.conns, "conns", "connections, a `number`")
			fs.Var(&set.subscribers, "subscribers", "connections in a broadcast, a `number`")
			fs.Var(&set.only, "only", "the servers, comma-separated `names`; ratios are to the first")
			fs.Var(&set.work, "work", "what is asked of them, comma-separated `names`")
			fs.BoolVar(&set.json, "json", false, "write one JSON object")
		},
		Run: set.run,
		Roles: map[string]func([]string) error{
			"server": func(args []string) error { return httpservers.Run(args[0], args[1]) },
			"load":   playLoad,
		},
	}.Main()
}

func (set *settings) run(ctx context.Context) (err error) {
	if set.dir, err = os.MkdirTemp("", "corolla-bench-"); err != nil {
		return fmt.Errorf("make a folder for the files: %w", err)
	}
	defer os.RemoveAll(set.dir)
	if err := httpwork.WriteFiles(set.dir); err != nil {
		return err
	}
	names, versions, missing := httpservers.Installed(set.only.Chosen)
	if len(names) == 0 {
		return fmt.Errorf("no server to measure; %s", strings.Join(missing, "; "))
	}
	out := report{
		Machine: turns.ThisMachine(), Versions: versions, LeftOut: missing,
		Rounds: int(set.rounds), RatiosTo: names[0],
	}
	if !set.json {
		if err := out.writeHead(os.Stdout, names); err != nil {
			return err
		}
	}
	for _, j := range set.jobs() {
		able := j.able(names)
		if len(able) == 0 {
			continue
		}
		p, err := set.measure(ctx, j, able)
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

func (set *settings) jobs() (all []job) {
	for _, w := range works {
		if !set.work.Has(w.name) {
			continue
		}
		conns, batch := int(set.conns), w.depth
		if w.toAll() {
			conns = int(set.subscribers)
			batch = conns
		}
		all = append(all, job{w, conns, max(int(set.requests)/w.share/batch, 1)})
	}
	return all
}

// measure compares servers that all do the work.
func (set *settings) measure(ctx context.Context, j job, names []string) (part, error) {
	costs, err := turns.Rounds(ctx, j.String(), names, int(set.rounds),
		func(ctx context.Context, name string) (cost, error) { return set.turn(ctx, name, j) })
	if err != nil {
		return part{}, err
	}
	return newPart(j, names, costs), nil
}

// able returns those of the servers that do the work.
func (j job) able(names []string) (able []string) {
	for _, name := range names {
		if httpservers.Answers(name, j.path) {
			able = append(able, name)
		}
	}
	return able
}

// seen is what a load tells of a turn.
type seen struct {
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50_us"` // of one exchange
	P99     float64 `json:"p99_us"`
}

// cost is what a turn has come to: CPU times for one request, in microseconds, and what the load
// has seen.
type cost struct {
	total, user, rate float64
	seen
}

func (set *settings) turn(ctx context.Context, name string, j job) (c cost, err error) {
	srv, err := turns.StartRole(ctx, turns.ServerCore, "server", name, set.dir)
	if err != nil {
		return c, err
	}
	defer srv.Kill()
	load, err := turns.StartLoad(ctx, srv, "load", j.name, fmt.Sprint(j.conns), fmt.Sprint(j.exchanges))
	if err != nil {
		return c, err
	}
	defer load.Kill()
	before, err := turns.CPUOf(srv.Pid())
	if err != nil {
		return c, err
	}
	if err := load.Say("go"); err != nil {
		return c, fmt.Errorf("the load: %w", err)
	}
	line, err := load.Line()
	if err != nil {
		return c, fmt.Errorf("the load: %w", err)
	}
	after, err := turns.CPUOf(srv.Pid())
	total, user := after.Since(before)
	requests := float64(j.requests())
	c.total = float64(total.Nanoseconds()) / 1e3 / requests
	c.user = float64(user.Nanoseconds()) / 1e3 / requests
	err = errors.Join(err, json.Unmarshal([]byte(line), &c.seen))
	c.rate = turns.Ratio(requests, c.Seconds)
	return c, err
}
