// Command shards measures what a second loop is worth, and what it costs to spread connections over two.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

const about = `shards measures an echo server and an HTTP server on one loop and on two.

Servers: "one" has one loop; "system" has two, over which the system spreads connections
(SO_REUSEPORT); "handed" has two, of which one accepts for both, in turn. Requests, whose answers
have 64 bytes, are made on connections that last, and on one for each request. Shown are requests a second, the server's
CPU time for a request, and which part of the connections the busier loop has: half would be even.

The load runs on the same machine, on all its cores, as the server does: on two cores both share them,
and two loops cannot be twice as quick. The servers take turns, in fresh processes.
Exit status: 0, 1 on failure, 2 on bad usage.`

type settings struct {
	rounds, requests, conns turns.Count
	only                    turns.Names
	json                    bool
}

func main() {
	names := []string{"one", "system", "handed"}
	set := &settings{rounds: 5, requests: 200_000, conns: 100, only: turns.Names{Valid: names, Chosen: names}}
	turns.Command{
		Name:  "shards",
		About: about,
		Flags: func(fs *flag.FlagSet) {
			fs.Var(&set.rounds, "rounds", "turns for each server, a `number`")
			fs.Var(&set.requests, "requests", "requests in a turn, a `number`")
			fs.Var(&set.conns, "conns", "connections at a time, a `number`")
			fs.Var(&set.only, "only", "the servers, comma-separated `names`")
			fs.BoolVar(&set.json, "json", false, "write one JSON object")
		},
		Run: set.run,
		Roles: map[string]func([]string) error{
			"server": func(args []string) error { return serve(args[0], args[1]) },
			"load":   playLoad,
		},
	}.Main()
}

// outcome is what one turn shows.
type outcome struct {
	rate float64 // requests a second
	cpu  float64 // of the server for a request, in microseconds
	most float64 // part of the connections on the busier loop, in percent
}

// row is one server at one kind of work.
type row struct {
	Work   string       `json:"work"`
	Server string       `json:"server"`
	Rate   turns.Spread `json:"requests_per_second"`
	CPU    turns.Spread `json:"server_cpu_us_per_request"`
	Most   turns.Spread `json:"percent_on_busier_loop"`
}

type report struct {
	Machine  turns.Machine `json:"machine"`
	Rounds   int           `json:"rounds"`
	Requests int           `json:"requests"`
	Conns    int           `json:"connections"`
	Rows     []row         `json:"rows"`
}

func (set *settings) run(ctx context.Context) error {
	out := report{Machine: turns.ThisMachine(), Rounds: int(set.rounds), Requests: int(set.requests), Conns: int(set.conns)}
	for _, proto := range []string{protoEcho, protoHTTP} {
		for _, work := range []string{kept, fresh} {
			rows, err := set.compare(ctx, proto, work)
			if err != nil {
				return err
			}
			out.Rows = append(out.Rows, rows...)
		}
	}
	if set.json {
		return turns.WriteJSON(os.Stdout, out)
	}
	fmt.Printf("%v\n%d rounds of %d requests on %d connections, medians and ranges\n\n", out.Machine, out.Rounds, out.Requests, out.Conns)
	rows := [][]string{{"", "requests/s", "", "CPU µs", "", "busier loop %", ""}}
	for _, r := range out.Rows {
		rows = append(rows, []string{
			r.Work + " " + r.Server,
			fmt.Sprintf("%.0f", r.Rate.Median), fmt.Sprintf("%.0f to %.0f", r.Rate.Low, r.Rate.High),
			turns.Figure(r.CPU.Median), turns.Span(r.CPU), fmt.Sprintf("%.0f", r.Most.Median), fmt.Sprintf("%.0f to %.0f", r.Most.Low, r.Most.High),
		})
	}
	return turns.WriteTable(os.Stdout, rows)
}

// compare has all servers do one kind of work.
func (set *settings) compare(ctx context.Context, proto, work string) (rows []row, err error) {
	requests := int(set.requests)
	if work == fresh {
		requests = min(max(requests/10, 1), 20_000) // each leaves a port unused for a minute
	}
	all, err := turns.Rounds(ctx, proto+" "+work, set.only.Chosen, int(set.rounds),
		func(ctx context.Context, name string) (outcome, error) {
			return set.turn(ctx, name, proto, work, requests)
		})
	if err != nil {
		return nil, err
	}
	for _, name := range set.only.Chosen {
		rows = append(rows, row{
			proto + " " + work, name,
			turns.SpreadOf(all[name], func(o outcome) float64 { return o.rate }),
			turns.SpreadOf(all[name], func(o outcome) float64 { return o.cpu }),
			turns.SpreadOf(all[name], func(o outcome) float64 { return o.most }),
		})
	}
	return rows, nil
}

// turn runs one server and its load.
func (set *settings) turn(ctx context.Context, name, proto, work string, requests int) (o outcome, err error) {
	srv, err := turns.StartRole(ctx, turns.AllCores, "server", name, proto)
	if err != nil {
		return o, err
	}
	defer srv.Kill()
	addr, err := srv.Line()
	if err != nil {
		return o, fmt.Errorf("the server's address: %w", err)
	}
	load, err := turns.StartRole(ctx, turns.AllCores, "load", proto, work, fmt.Sprint(int(set.conns)), fmt.Sprint(requests), addr)
	if err != nil {
		return o, err
	}
	defer load.Kill()
	if err := load.Expect("ready"); err != nil {
		return o, err
	}
	before, err := turns.CPUOf(srv.Pid())
	if err != nil {
		return o, err
	}
	begun := time.Now()
	if err := load.Say("go"); err != nil {
		return o, err
	}
	if err := load.Expect("done"); err != nil {
		return o, err
	}
	took := time.Since(begun)
	after, err := turns.CPUOf(srv.Pid())
	if err != nil {
		return o, err
	}
	total, _ := after.Since(before)
	o.rate = float64(requests) / took.Seconds()
	o.cpu = float64(total.Nanoseconds()) / 1e3 / float64(requests)
	if err := srv.Say("count"); err != nil {
		return o, err
	}
	line, err := srv.Line()
	if err == nil {
		_, err = fmt.Sscan(strings.TrimSpace(line), &o.most)
	}
	return o, err
}
