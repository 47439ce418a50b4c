package main

import (
	_ "embed"
	"html/template"
	"os"
	"time"

	"github.com/corolla-go/corolla/examples/talk"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"verified": verified,
}).Parse(pageText))

// pageWidth is the width of the timelines, in the units of their view box.
const pageWidth = 1000.0

type pageData struct {
	MiB  int
	Rate float64
	Sink string
	Rows []pageRow
	Tick []pageTick
}

type pageRow struct {
	talk.Result
	What      string
	Sent      []pageBar
	Counted   []pageBar
	SendEnds  float64
	HasFailed bool
}

type pageBar struct{ X, W float64 }

type pageTick struct {
	X    float64
	Text string
}

// writePage writes one self-contained page: the table, and a timeline for each row, all
// drawn to one scale.
func writePage(file string, results []talk.Result, o talk.Options) error {
	longest := time.Millisecond
	for _, r := range results {
		if n := len(r.Moves); n > 0 {
			longest = max(longest, r.Moves[n-1].At)
		}
		if n := len(r.Spans); n > 0 {
			longest = max(longest, r.Spans[n-1].To)
		}
	}
	scale := func(d time.Duration) float64 { return pageWidth * float64(d) / float64(longest) }
	data := pageData{MiB: o.MiB, Rate: o.Rate, Sink: o.Sink}
	for i := range 11 {
		at := longest * time.Duration(i) / 10
		data.Tick = append(data.Tick, pageTick{scale(at), at.Round(time.Millisecond).String()})
	}
	for _, r := range results {
		row := pageRow{Result: r, HasFailed: !r.OK}
		if known, ok := talk.Find(r.Row); ok {
			row.What = known.What
		}
		var moments, spans []talk.Span
		for _, m := range r.Moves {
			moments = append(moments, talk.Span{From: m.At, To: m.At})
		}
		spans = append(spans, r.Spans...)
		row.Sent, row.Counted = bars(moments, scale), bars(spans, scale)
		row.SendEnds = scale(time.Duration(r.Seconds * float64(time.Second)))
		data.Rows = append(data.Rows, row)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pageTemplate.Execute(f, data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// bars makes spans into bars at least half a unit wide, and joins those that touch.
func bars(spans []talk.Span, scale func(time.Duration) float64) []pageBar {
	var all []pageBar
	for _, s := range spans {
		x := scale(s.From)
		end := max(scale(s.To), x+0.5)
		if n := len(all); n > 0 && x <= all[n-1].X+all[n-1].W+0.1 {
			all[n-1].W = max(all[n-1].W, end-all[n-1].X)
		} else {
			all = append(all, pageBar{x, end - x})
		}
	}
	return all
}
