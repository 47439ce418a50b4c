package program

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/corolla-go/corolla/examples/talk"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"verified": verified,
}).Parse(pageText))

// page is the file that --html names. It is opened before anything runs, so that one that cannot be
// written fails at once; nil is no page.
type page struct {
	file *os.File
	made bool // by us
}

func openPage(name string) (*page, error) {
	if name == "" {
		return nil, nil
	}
	_, err := os.Stat(name)
	made := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // the rest repeats the name
	}
	if err != nil {
		return nil, fmt.Errorf("--html %s: %w", name, err)
	}
	return &page{f, made}, nil
}

// drop removes the file if we made it, and otherwise leaves it as it was.
func (p *page) drop() error {
	if p == nil {
		return nil
	}
	err := p.file.Close()
	if p.made {
		err = errors.Join(err, os.Remove(p.file.Name()))
	}
	return err
}

// write replaces what was in the file.
func (p *page) write(results []talk.Result, o talk.Options) error {
	if p == nil {
		return nil
	}
	var text bytes.Buffer
	err := pageTemplate.Execute(&text, drawing(results, o))
	if info, e := p.file.Stat(); err == nil && e == nil && info.Mode().IsRegular() {
		err = p.file.Truncate(0)
	}
	if err == nil {
		_, err = p.file.Write(text.Bytes())
	}
	return errors.Join(err, p.file.Close())
}

// pageWidth is the width of the timelines, in the units of their view box.
const pageWidth = 1000.0

type pageData struct {
	MiB        int
	Rate       float64
	Sink       string
	Rows       []pageRow
	Ticks      []pageTick
	Conclusion string
}

type pageRow struct {
	talk.Result
	What    string
	Share   float64 // slices a second, as a percentage of the row with the most
	Sent    []pageBar
	Total   string // the outline of how much was sent over time
	Counted []pageBar
	Ends    float64 // where the last byte arrived
}

type pageBar struct{ X, W float64 }

type pageTick struct {
	X, Percent float64
	Text       string
}

// drawing is what the page shows: the table, and a timeline for each row, all to one scale.
func drawing(results []talk.Result, o talk.Options) pageData {
	longest, most := time.Millisecond, 1e-9
	for _, r := range results {
		most = max(most, r.Pace)
		longest = max(longest, seconds(r))
		if n := len(r.Moves); n > 0 {
			longest = max(longest, r.Moves[n-1].At)
		}
		if n := len(r.Spans); n > 0 {
			longest = max(longest, r.Spans[n-1].To)
		}
	}
	scale := func(d time.Duration) float64 { return pageWidth * float64(d) / float64(longest) }
	data := pageData{MiB: o.MiB, Rate: o.Rate, Sink: o.Sink, Conclusion: conclude(results, o)}
	every := step(longest)
	for at := time.Duration(0); at <= longest; at += every {
		data.Ticks = append(data.Ticks, pageTick{scale(at), scale(at) / pageWidth * 100, at.String()})
	}
	for _, r := range results {
		row := pageRow{Result: r, Share: 100 * r.Pace / most, Ends: scale(seconds(r)), Total: total(r.Moves, o.MiB<<20, scale)}
		if known, ok := talk.Find(r.Row); ok {
			row.What = known.What
		}
		var moments []talk.Span
		for _, m := range r.Moves {
			moments = append(moments, talk.Span{From: m.At, To: m.At})
		}
		row.Sent, row.Counted = bars(moments, scale), bars(r.Spans, scale)
		data.Rows = append(data.Rows, row)
	}
	return data
}

func seconds(r talk.Result) time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }

// step returns the distance between the marks under the timelines: a round one that makes four to
// ten marks in all.
func step(all time.Duration) time.Duration {
	for unit := time.Duration(1); ; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if all/(n*unit) < 10 {
				return n * unit
			}
		}
	}
}

// total is a path like a staircase: each move is a step up.
func total(moves []talk.Move, all int, scale func(time.Duration) float64) string {
	var path strings.Builder
	path.WriteString("M0 22")
	sent := 0
	for _, m := range moves {
		sent += m.Bytes
		fmt.Fprintf(&path, "H%.1fV%.1f", scale(m.At), 22-22*float64(sent)/float64(all))
	}
	path.WriteString("V22Z")
	return path.String()
}

// bars turns spans into bars at least half a unit wide, and joins those that touch.
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
