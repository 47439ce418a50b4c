// Command stall measures what readers that have stopped reading cost a server and its other
// clients.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

const about = `stall measures what readers that have stopped reading cost a server and its other
clients.

A server of Corolla offers every subscriber 64 KiB a second, and echoes for others. First 50
clients ask and are answered, each every 10 ms; then subscribers come that never read a byte, and
the 50 go on. Shown are the times of the answers without and with the stalled readers, and the
server's memory while they stall: when their buffers are full it must stand still. The system's
own buffers, which are not part of the process, are made small, so that they are full soon.
"net" is a goroutine for each connection, whose write blocks.
Exit status: 0, 1 on failure, 2 on bad usage.`

type settings struct {
	rounds, subscribers, seconds turns.Count
	only                         turns.Names
	json                         bool
}

func main() {
	set := &settings{rounds: 3, subscribers: 1000, seconds: 10, only: turns.Names{
		Valid: serverNames(), Chosen: serverNames(),
	}}
	turns.Command{
		Name:  "stall",
		About: about,
		Flags: func(fs *flag.FlagSet) {
			fs.Var(&set.rounds, "rounds", "turns for each server, a `number`")
			fs.Var(&set.subscribers, "subscribers", "readers that stall, a `number`")
			fs.Var(&set.seconds, "seconds", "how long each half of a turn takes, a `number`")
			fs.Var(&set.only, "only", "the servers, comma-separated `names`")
			fs.BoolVar(&set.json, "json", false, "write one JSON object")
		},
		Run:   set.run,
		Roles: map[string]func([]string) error{"server": playServer, "client": playClient},
	}.Main()
}

// result is the figures of one server.
type result struct {
	Name    string       `json:"name"`
	Before  turns.Spread `json:"p99_us"`
	During  turns.Spread `json:"p99_us_with_stalled_readers"`
	Middle  turns.Spread `json:"rss_bytes_middle"`
	End     turns.Spread `json:"rss_bytes_end"`
	PerConn turns.Spread `json:"rss_bytes_per_reader"`
}

type report struct {
	Machine     turns.Machine `json:"machine"`
	Rounds      int           `json:"rounds"`
	Subscribers int           `json:"subscribers"`
	Servers     []result      `json:"servers"`
}

func (set *settings) run(ctx context.Context) error {
	out := report{Machine: turns.ThisMachine(), Rounds: int(set.rounds), Subscribers: int(set.subscribers)}
	all, err := turns.Rounds(ctx, fmt.Sprintf("%d stalled readers", set.subscribers), set.only.Chosen, int(set.rounds), set.turn)
	if err != nil {
		return err
	}
	for _, name := range set.only.Chosen {
		of := func(f func(m outcome) float64) turns.Spread { return turns.SpreadOf(all[name], f) }
		out.Servers = append(out.Servers, result{
			Name:    name,
			Before:  of(func(m outcome) float64 { return m.before }),
			During:  of(func(m outcome) float64 { return m.during }),
			Middle:  of(func(m outcome) float64 { return float64(m.middle) }),
			End:     of(func(m outcome) float64 { return float64(m.end) }),
			PerConn: of(func(m outcome) float64 { return float64(m.end-m.start) / float64(set.subscribers) }),
		})
	}
	if set.json {
		return turns.WriteJSON(os.Stdout, out)
	}
	return out.write()
}

func (r report) write() error {
	fmt.Printf("%v\nstalled readers: %d, rounds: %d; medians and ranges\n\n", r.Machine, r.Subscribers, r.Rounds)
	rows := [][]string{
		{"", "p99 of an answer, µs", "", "", "", "resident, MB", "", "for each reader"},
		{"server", "without", "range", "with", "range", "after half", "at the end", "bytes"},
	}
	for _, s := range r.Servers {
		row := []string{s.Name}
		for _, v := range []turns.Spread{s.Before, s.During} {
			row = append(row, fmt.Sprintf("%.0f", v.Median), fmt.Sprintf("%.0f to %.0f", v.Low, v.High))
		}
		row = append(row, fmt.Sprintf("%.1f", s.Middle.Median/1e6), fmt.Sprintf("%.1f", s.End.Median/1e6), fmt.Sprintf("%.0f", s.PerConn.Median))
		rows = append(rows, row)
	}
	return turns.WriteTable(os.Stdout, rows)
}

// outcome is one turn: times in µs, memory in bytes.
type outcome struct {
	before, during     float64
	start, middle, end int64
}

func (set *settings) turn(ctx context.Context, name string) (m outcome, err error) {
	srv, err := turns.StartRole(ctx, turns.ServerCore, "server", name)
	if err != nil {
		return m, err
	}
	defer srv.Kill()
	addr, err := srv.Line()
	if err != nil {
		return m, fmt.Errorf("the server's address: %w", err)
	}
	client, err := turns.StartRole(ctx, turns.LoadCore, "client", addr, strconv.Itoa(int(set.subscribers)), strconv.Itoa(int(set.seconds)))
	if err != nil {
		return m, err
	}
	defer client.Kill()
	if m.before, err = p99(client); err != nil {
		return m, err
	}
	if m.start, err = turns.RSS(srv.Pid()); err != nil {
		return m, err
	}
	if err := client.Say("stall"); err != nil {
		return m, err
	}
	if err := client.Expect("full"); err != nil { // half of the time is over
		return m, err
	}
	if m.middle, err = turns.RSS(srv.Pid()); err != nil {
		return m, err
	}
	if m.during, err = p99(client); err != nil {
		return m, err
	}
	m.end, err = turns.RSS(srv.Pid())
	return m, err
}

// p99 reads the times that the client measured, and returns their 99th percentile, in µs.
func p99(client *turns.Child) (float64, error) {
	line, err := client.Line()
	if err != nil {
		return 0, fmt.Errorf("the client: %w", err)
	}
	var times []time.Duration
	for _, s := range strings.Fields(line) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, fmt.Errorf("the client: %w", err)
		}
		times = append(times, time.Duration(n))
	}
	if len(times) == 0 {
		return 0, fmt.Errorf("the client: no answers at all")
	}
	slices.Sort(times)
	return float64(times[len(times)*99/100]) / 1e3, nil
}
