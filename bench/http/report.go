package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

// report is the JSON object, and what the tables are made of.
type report struct {
	Machine  turns.Machine     `json:"machine"`
	Versions map[string]string `json:"versions"`
	LeftOut  []string          `json:"left_out,omitempty"`
	Rounds   int               `json:"rounds"`
	RatiosTo string            `json:"ratios_to"`
	Parts    []part            `json:"results"`
}

// part is the figures of one job.
type part struct {
	Work     string `json:"work"`
	Conns    int    `json:"connections"`
	Requests int    `json:"requests_per_turn"`
	about    string
	Servers  []result `json:"servers"`
}

// result is the figures of one server: times in microseconds; CPU times for each request, latencies
// of what is sent at once until the last of its answers.
type result struct {
	Name       string       `json:"name"`
	Total      turns.Spread `json:"cpu_us"`
	TotalRatio float64      `json:"cpu_ratio"`
	User       turns.Spread `json:"user_us"`
	P50        turns.Spread `json:"p50_us"`
	P99        turns.Spread `json:"p99_us"`
	Rate       turns.Spread `json:"requests_per_second"`
}

func newPart(j job, names []string, costs map[string][]cost) part {
	p := part{Work: j.name, Conns: j.conns, Requests: j.requests(), about: j.String()}
	for _, name := range names {
		of := func(f func(c cost) float64) turns.Spread { return turns.SpreadOf(costs[name], f) }
		p.Servers = append(p.Servers, result{
			Name:  name,
			Total: of(func(c cost) float64 { return c.total }),
			User:  of(func(c cost) float64 { return c.user }),
			P50:   of(func(c cost) float64 { return c.P50 }),
			P99:   of(func(c cost) float64 { return c.P99 }),
			Rate:  of(func(c cost) float64 { return c.rate }),
		})
	}
	for i := range p.Servers {
		p.Servers[i].TotalRatio = turns.Ratio(p.Servers[i].Total.Median, p.Servers[0].Total.Median)
	}
	return p
}

func (r report) writeHead(w io.Writer, names []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n", r.Machine)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, r.Versions[name])
	}
	for _, note := range r.LeftOut {
		fmt.Fprintln(&b, note)
	}
	fmt.Fprintf(&b, `rounds: %d; medians and ranges; × is the ratio to %s, or to the first that does the work
CPU: the server's for each request, exact; user is the part in its own code, by timer ticks, and coarse in short turns
p50, p99: from sending until the last answer to what was sent at once, with all connections busy
`, r.Rounds, r.RatiosTo)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r report) writePart(w io.Writer, p part) error {
	if _, err := fmt.Fprintf(w, "\n%s, %d requests\n", p.about, p.Requests); err != nil {
		return err
	}
	rows := [][]string{{"server", "CPU µs", "range", "×", "user µs", "p50 µs", "range", "p99 µs", "range", "requests/s", "range"}}
	for _, s := range p.Servers {
		row := []string{s.Name, turns.Figure(s.Total.Median), turns.Span(s.Total), turns.Times(s.TotalRatio), turns.Figure(s.User.Median)}
		for _, v := range []turns.Spread{s.P50, s.P99, s.Rate} {
			row = append(row, fmt.Sprintf("%.0f", v.Median), fmt.Sprintf("%.0f to %.0f", v.Low, v.High))
		}
		rows = append(rows, row)
	}
	return turns.WriteTable(w, rows)
}
