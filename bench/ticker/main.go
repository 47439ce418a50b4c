// Command ticker measures how late a timer is while one client keeps a server busy.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

const about = `ticker measures how late a timer is while one client keeps a server busy.

The server runs on one core and works for 200 µs on whatever a read brings. One client floods it, so
its reads always find something. A ticker on the same loop is due every millisecond; shown is how
late it was. The loop's TurnBudget, a millisecond, bounds how long the loop is held in one stretch.
Exit status: 0, 1 on failure, 2 on bad usage.`

type settings struct {
	rounds, seconds turns.Count
	only            turns.Names
	json            bool
}

func main() {
	set := &settings{rounds: 3, seconds: 3, only: turns.Names{Valid: names(), Chosen: names()}}
	turns.Command{
		Name:  "ticker",
		About: about,
		Flags: func(fs *flag.FlagSet) {
			fs.Var(&set.rounds, "rounds", "turns for each model, a `number`")
			fs.Var(&set.seconds, "seconds", "how long a turn takes, a `number`")
			fs.Var(&set.only, "only", "the models, comma-separated `names`")
			fs.BoolVar(&set.json, "json", false, "write one JSON object")
		},
		Run:   set.run,
		Roles: map[string]func([]string) error{"server": playServer, "client": playClient},
	}.Main()
}

// outcome is one turn: how late the ticker was, in µs, and how many reads there were.
type outcome struct{ p50, p99, max, reads float64 }

type result struct {
	Name  string       `json:"name"`
	P50   turns.Spread `json:"late_p50_us"`
	P99   turns.Spread `json:"late_p99_us"`
	Max   turns.Spread `json:"late_max_us"`
	Reads turns.Spread `json:"reads"`
}

type report struct {
	Machine turns.Machine `json:"machine"`
	Rounds  int           `json:"rounds"`
	Models  []result      `json:"models"`
}

func (set *settings) run(ctx context.Context) error {
	out := report{Machine: turns.ThisMachine(), Rounds: int(set.rounds)}
	all, err := turns.Rounds(ctx, "one flooding client", set.only.Chosen, int(set.rounds), set.turn)
	if err != nil {
		return err
	}
	for _, name := range set.only.Chosen {
		of := func(f func(m outcome) float64) turns.Spread { return turns.SpreadOf(all[name], f) }
		out.Models = append(out.Models, result{
			Name:  name,
			P50:   of(func(m outcome) float64 { return m.p50 }),
			P99:   of(func(m outcome) float64 { return m.p99 }),
			Max:   of(func(m outcome) float64 { return m.max }),
			Reads: of(func(m outcome) float64 { return m.reads }),
		})
	}
	if set.json {
		return turns.WriteJSON(os.Stdout, out)
	}
	return out.write()
}

func (r report) write() error {
	fmt.Printf("%v\nrounds: %d; medians and ranges\n\n", r.Machine, r.Rounds)
	rows := [][]string{{"late by, µs", "p50", "p99", "range", "max", "range", "reads"}}
	for _, m := range r.Models {
		row := []string{m.Name, fmt.Sprintf("%.0f", m.P50.Median)}
		for _, v := range []turns.Spread{m.P99, m.Max} {
			row = append(row, fmt.Sprintf("%.0f", v.Median), fmt.Sprintf("%.0f to %.0f", v.Low, v.High))
		}
		rows = append(rows, append(row, fmt.Sprintf("%.0f", m.Reads.Median)))
	}
	return turns.WriteTable(os.Stdout, rows)
}

func (set *settings) turn(ctx context.Context, name string) (m outcome, err error) {
	srv, err := turns.StartRole(ctx, turns.ServerCore, "server", name, strconv.Itoa(int(set.seconds)))
	if err != nil {
		return m, err
	}
	defer srv.Kill()
	addr, err := srv.Line()
	if err != nil {
		return m, fmt.Errorf("the server's address: %w", err)
	}
	client, err := turns.StartRole(ctx, turns.LoadCore, "client", addr)
	if err != nil {
		return m, err
	}
	defer client.Kill()
	line, err := srv.Line()
	if err != nil {
		return m, fmt.Errorf("the server: %w", err)
	}
	var late []float64
	for i, s := range strings.Fields(line) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return m, fmt.Errorf("the server: %w", err)
		}
		if i == 0 {
			m.reads = v
		} else {
			late = append(late, v/1e3)
		}
	}
	if len(late) == 0 || m.reads == 0 {
		return m, fmt.Errorf("%d ticks and %.0f reads", len(late), m.reads)
	}
	slices.Sort(late)
	m.p50, m.p99, m.max = late[len(late)/2], late[len(late)*99/100], late[len(late)-1]
	return m, nil
}
