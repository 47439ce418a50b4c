package main

import (
	"fmt"
	"io"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

// report is the JSON object, and what the table is made of.
type report struct {
	Machine turns.Machine `json:"machine"`
	LeftOut []string      `json:"left_out,omitempty"`
	Rounds  int           `json:"rounds"`
	Conns   int           `json:"connections"`
	Servers []result      `json:"servers"`
}

// result is the figures of one server, in bytes: what it had before, in all, and what each
// connection added. Only servers in Go know what their heap and stacks have.
type result struct {
	Name       string        `json:"name"`
	BeforeRSS  turns.Spread  `json:"before_rss_bytes"`
	BeforeLive *turns.Spread `json:"before_heap_and_stack_bytes,omitempty"`
	IdleRSS    turns.Spread  `json:"idle_rss_per_connection"`
	IdleLive   *turns.Spread `json:"idle_heap_and_stack_per_connection,omitempty"`
	BurstRSS   turns.Spread  `json:"after_burst_rss_per_connection"`
	BurstLive  *turns.Spread `json:"after_burst_heap_and_stack_per_connection,omitempty"`
}

func newResult(name string, all []moments, conns float64) result {
	of := func(f func(m moments) float64) turns.Spread { return turns.SpreadOf(all, f) }
	r := result{
		Name:      name,
		BeforeRSS: of(func(m moments) float64 { return float64(m.before.rss) }),
		IdleRSS:   of(func(m moments) float64 { return float64(m.idle.rss-m.before.rss) / conns }),
		BurstRSS:  of(func(m moments) float64 { return float64(m.burst.rss-m.before.rss) / conns }),
	}
	if tellsMemory(name) {
		before := of(func(m moments) float64 { return float64(m.before.live) })
		idle := of(func(m moments) float64 { return float64(m.idle.live-m.before.live) / conns })
		burst := of(func(m moments) float64 { return float64(m.burst.live-m.before.live) / conns })
		r.BeforeLive, r.IdleLive, r.BurstLive = &before, &idle, &burst
	}
	return r
}

func (r report) writeHead(w io.Writer) error {
	for _, note := range r.LeftOut {
		if _, err := fmt.Fprintln(w, note); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%v\nconnections: %d, rounds: %d; before: the whole process; then bytes added by each connection; median and range\n\n",
		r.Machine, r.Conns, r.Rounds)
	return err
}

func (r report) writeTable(w io.Writer) error {
	rows := [][]string{
		{"", "before", "", "idle", "", "", "", "after a burst", "", "", ""},
		{"server", "RSS MB", "live MB", "RSS", "range", "live", "range", "RSS", "range", "live", "range"},
	}
	for _, s := range r.Servers {
		row := []string{s.Name, mega(&s.BeforeRSS), mega(s.BeforeLive)}
		for _, v := range []*turns.Spread{&s.IdleRSS, s.IdleLive, &s.BurstRSS, s.BurstLive} {
			if v == nil {
				row = append(row, "-", "-")
				continue
			}
			row = append(row, fmt.Sprintf("%.0f", v.Median), fmt.Sprintf("%.0f to %.0f", v.Low, v.High))
		}
		rows = append(rows, row)
	}
	return turns.WriteTable(w, rows)
}

func mega(s *turns.Spread) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", s.Median/1e6)
}
