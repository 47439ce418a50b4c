// Command siege measures what clients that mean harm cost an HTTP server's other clients.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

const about = `siege measures what clients that mean harm cost an HTTP server's other clients.

First 50 clients ask for an answer of 5 bytes, each every 10 ms; then attackers come, and the 50 go
on. Shown are the times of their answers without and with the attackers, and the server's memory at
the end.

The attacks:
  slow    5,000 connections that send a byte of a head each second (slow-loris)
  unread  1,000 connections that ask for 8 MiB and never read a byte
  heads   100 heads a second that do not end, each on a new connection, sent until it is refused
  chunks  10 connections that send 50,000 chunks of one byte a second each, in bursts

The servers are those of package web and of net/http, with the same timeouts; "bounded" is web with
corolla.WriteBuffer, without which the system keeps megabytes for a client that does not read. The attackers have a
process of their own, of the lowest priority, so that they do not delay whoever measures.
Exit status: 0, 1 on failure, 2 on bad usage.`

type settings struct {
	rounds, seconds turns.Count
	only, attacks   turns.Names
	json            bool
}

func main() {
	set := &settings{
		rounds: 3, seconds: 4,
		only:    turns.Names{Valid: serverNames(), Chosen: serverNames()},
		attacks: turns.Names{Kind: "attack", Valid: attackNames(), Chosen: attackNames()},
	}
	turns.Command{
		Name:  "siege",
		About: about,
		Flags: func(fs *flag.FlagSet) {
			fs.Var(&set.rounds, "rounds", "turns for each server, a `number`")
			fs.Var(&set.seconds, "seconds", "how long each half of a turn takes, a `number`")
			fs.Var(&set.only, "only", "the servers, comma-separated `names`")
			fs.Var(&set.attacks, "attacks", "the attacks, comma-separated `names`")
			fs.BoolVar(&set.json, "json", false, "write one JSON object")
		},
		Run:   set.run,
		Roles: map[string]func([]string) error{"server": playServer, "others": playOthers, "attack": playAttack},
	}.Main()
}

// report is the JSON object, and what the table is made of.
type report struct {
	Machine turns.Machine `json:"machine"`
	Rounds  int           `json:"rounds"`
	Results []result      `json:"results"`
}

// result is the figures of one server in one attack. A ratio is that of one round's halves.
type result struct {
	Attack string       `json:"attack"`
	Server string       `json:"server"`
	Before turns.Spread `json:"p99_us"`
	During turns.Spread `json:"p99_us_during"`
	Ratio  turns.Spread `json:"p99_ratio"`
	Middle turns.Spread `json:"p50_us_during"`
	RSS    turns.Spread `json:"rss_bytes"`
}

func (set *settings) run(ctx context.Context) error {
	out := report{Machine: turns.ThisMachine(), Rounds: int(set.rounds)}
	for _, attack := range set.attacks.Chosen {
		all, err := turns.Rounds(ctx, attack, set.only.Chosen, int(set.rounds),
			func(ctx context.Context, name string) (outcome, error) { return set.turn(ctx, name, attack) })
		if err != nil {
			return err
		}
		for _, name := range set.only.Chosen {
			of := func(f func(m outcome) float64) turns.Spread { return turns.SpreadOf(all[name], f) }
			out.Results = append(out.Results, result{
				Attack: attack, Server: name,
				Before: of(func(m outcome) float64 { return m.before.P99 }),
				During: of(func(m outcome) float64 { return m.during.P99 }),
				Ratio:  of(func(m outcome) float64 { return turns.Ratio(m.during.P99, m.before.P99) }),
				Middle: of(func(m outcome) float64 { return m.during.P50 }),
				RSS:    of(func(m outcome) float64 { return float64(m.rss) }),
			})
		}
	}
	if set.json {
		return turns.WriteJSON(os.Stdout, out)
	}
	return out.write()
}

func (r report) write() error {
	fmt.Printf("%v\nrounds: %d; medians and ranges; × is the ratio of the p99 with attackers to that without\n\n", r.Machine, r.Rounds)
	rows := [][]string{
		{"", "", "p99 of others, µs", "", "", "", "", "", "p50, µs", "resident, MB"},
		{"attack", "server", "without", "range", "with", "range", "×", "range", "with", "at the end"},
	}
	for _, s := range r.Results {
		row := []string{s.Attack, s.Server}
		for _, v := range []turns.Spread{s.Before, s.During} {
			row = append(row, fmt.Sprintf("%.0f", v.Median), fmt.Sprintf("%.0f to %.0f", v.Low, v.High))
		}
		row = append(row, turns.Figure(s.Ratio.Median), turns.Span(s.Ratio))
		rows = append(rows, append(row, fmt.Sprintf("%.0f", s.Middle.Median), fmt.Sprintf("%.1f", s.RSS.Median/1e6)))
	}
	return turns.WriteTable(os.Stdout, rows)
}

// outcome is one turn.
type outcome struct {
	before, during times
	rss            int64
}

func (set *settings) turn(ctx context.Context, name, attack string) (m outcome, err error) {
	srv, err := turns.StartRole(ctx, turns.ServerCore, "server", name)
	if err != nil {
		return m, err
	}
	defer srv.Kill()
	addr, err := srv.Line()
	if err != nil {
		return m, fmt.Errorf("the server's address: %w", err)
	}
	others, err := turns.StartRole(ctx, turns.LoadCore, "others", addr, set.seconds.String())
	if err != nil {
		return m, err
	}
	defer others.Kill()
	if m.before, err = heard(others); err != nil {
		return m, err
	}
	attackers, err := turns.StartRole(ctx, turns.LoadCore, "attack", attack, addr)
	if err != nil {
		return m, err
	}
	defer attackers.Kill()
	if err := attackers.Expect("ready"); err != nil {
		return m, fmt.Errorf("the attackers: %w", err)
	}
	if err := others.Say("again"); err != nil {
		return m, err
	}
	if m.during, err = heard(others); err != nil {
		return m, err
	}
	m.rss, err = turns.RSS(srv.Pid())
	return m, err
}

// heard reads what the others have measured.
func heard(others *turns.Child) (seen times, err error) {
	line, err := others.Line()
	if err != nil {
		return seen, fmt.Errorf("the others: %w", err)
	}
	return seen, errors.Join(json.Unmarshal([]byte(line), &seen))
}
