package main

import (
	"fmt"
	"io"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

// report is the JSON object, and what the table is made of.
type report struct {
	Machine  turns.Machine `json:"machine"`
	Rounds   int           `json:"rounds"`
	MiB      int           `json:"mib_per_turn"`
	RatiosTo string        `json:"ratios_to"`
	Servers  []result      `json:"servers"`
}

// result is the figures of one server.
type result struct {
	Name  string       `json:"name"`
	CPU   turns.Spread `json:"bytes_per_cpu_second"`
	Ratio float64      `json:"ratio"`
	Clock turns.Spread `json:"bytes_per_second"`
}

func (r *report) addResults(names []string, all map[string][]rate) {
	for _, name := range names {
		s := result{
			Name:  name,
			CPU:   turns.SpreadOf(all[name], func(r rate) float64 { return r.cpu }),
			Clock: turns.SpreadOf(all[name], func(r rate) float64 { return r.clock }),
		}
		r.Servers = append(r.Servers, s)
	}
	for i := range r.Servers {
		r.Servers[i].Ratio = turns.Ratio(r.Servers[i].CPU.Median, r.Servers[0].CPU.Median)
	}
}

func (r *report) writeHead(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%v\nrounds: %d of %d MiB over one connection; MB per second of the receiver's CPU time, and of the clock; × is the ratio to %s, higher is better\n\n",
		r.Machine, r.Rounds, r.MiB, r.RatiosTo)
	return err
}

func (r *report) writeTable(w io.Writer) error {
	rows := [][]string{{"server", "MB/CPU s", "range", "×", "MB/s", "range"}}
	for _, s := range r.Servers {
		rows = append(rows, []string{
			s.Name,
			mega(s.CPU.Median), mega(s.CPU.Low) + " to " + mega(s.CPU.High), fmt.Sprintf("%.2f", s.Ratio),
			mega(s.Clock.Median), mega(s.Clock.Low) + " to " + mega(s.Clock.High),
		})
	}
	return turns.WriteTable(w, rows)
}

func mega(v float64) string { return fmt.Sprintf("%.0f", v/1e6) }
