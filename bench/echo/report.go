package main

import (
	"fmt"
	"io"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

// report is the JSON object, and what the tables are made of.
type report struct {
	Machine  turns.Machine `json:"machine"`
	Rounds   int           `json:"rounds"`
	Requests int           `json:"requests_per_turn"`
	Bytes    int           `json:"bytes_per_request"`
	RatiosTo string        `json:"ratios_to"`
	Counted  string        `json:"system_calls_counted"`
	Parts    []part        `json:"results"`
}

// part is the figures of one job.
type part struct {
	Work    work `json:"work"`
	Conns   int  `json:"connections"`
	about   string
	Servers []result `json:"servers"`
}

// result is the figures of one server, per request.
type result struct {
	Name       string       `json:"name"`
	Total      turns.Spread `json:"cpu_us"`
	TotalRatio float64      `json:"cpu_ratio"`
	User       turns.Spread `json:"user_us"`
	UserRatio  float64      `json:"user_ratio,omitempty"`
	Calls      *counts      `json:"system_calls"`
	CallsRatio float64      `json:"system_calls_ratio,omitempty"`
}

// counts is the figures of a server's system calls.
type counts struct {
	Total turns.Spread `json:"total"`
	Read  turns.Spread `json:"read"`
	Write turns.Spread `json:"write"`
	Wait  turns.Spread `json:"wait"`
	Other turns.Spread `json:"other"`
}

func newPart(j job, names []string, costs map[string][]cost, counted map[string][]calls) part {
	p := part{Work: j.work, Conns: j.conns, about: j.String()}
	for _, name := range names {
		r := result{
			Name:  name,
			Total: turns.SpreadOf(costs[name], func(c cost) float64 { return c.total }),
			User:  turns.SpreadOf(costs[name], func(c cost) float64 { return c.user }),
		}
		if all := counted[name]; len(all) > 0 {
			of := func(f func(calls) float64) turns.Spread { return turns.SpreadOf(all, f) }
			r.Calls = &counts{
				Total: of(func(c calls) float64 { return c.total }),
				Read:  of(func(c calls) float64 { return c.read }),
				Write: of(func(c calls) float64 { return c.write }),
				Wait:  of(func(c calls) float64 { return c.wait }),
				Other: of(calls.other),
			}
		}
		p.Servers = append(p.Servers, r)
	}
	first := p.Servers[0]
	for i := range p.Servers {
		r := &p.Servers[i]
		r.TotalRatio = turns.Ratio(r.Total.Median, first.Total.Median)
		r.UserRatio = turns.Ratio(r.User.Median, first.User.Median)
		if r.Calls != nil {
			r.CallsRatio = turns.Ratio(r.Calls.Total.Median, first.Calls.Total.Median)
		}
	}
	return p
}

func (r report) writeHead(w io.Writer) error {
	_, err := fmt.Fprintf(w, `%v
rounds: %d of %d requests of %d bytes; for each request, median and range; × is the ratio to %s
CPU: the server's, exact; user is the part in its own code, by timer ticks, and coarse in short turns
calls: the server's system calls, %s
`, r.Machine, r.Rounds, r.Requests, r.Bytes, r.RatiosTo, r.Counted)
	return err
}

func (r report) writePart(w io.Writer, p part) error {
	if _, err := fmt.Fprintf(w, "\n%s\n", p.about); err != nil {
		return err
	}
	rows := [][]string{{"server", "CPU µs", "range", "×", "user µs", "range", "×", "calls", "range", "×", "read", "write", "wait", "other"}}
	for _, s := range p.Servers {
		row := []string{
			s.Name,
			turns.Figure(s.Total.Median), turns.Span(s.Total), turns.Times(s.TotalRatio),
			turns.Figure(s.User.Median), turns.Span(s.User), turns.Times(s.UserRatio),
		}
		if c := s.Calls; c != nil {
			row = append(row, turns.Figure(c.Total.Median), turns.Span(c.Total), turns.Times(s.CallsRatio),
				turns.Figure(c.Read.Median), turns.Figure(c.Write.Median), turns.Figure(c.Wait.Median), turns.Figure(c.Other.Median))
		} else {
			row = append(row, "-", "-", "-", "-", "-", "-", "-")
		}
		rows = append(rows, row)
	}
	return turns.WriteTable(w, rows)
}
