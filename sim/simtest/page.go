package simtest

import (
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/corolla-go/corolla/sim"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// maxDrawn is how many events a page draws. The last ones are what matters.
const maxDrawn = 1500

// The geometry of a page, in pixels.
const (
	laneWidth = 230
	laneLeft  = 190 // of the first lane's line
	rowHeight = 17
	top       = 46
)

// drawing is a page: hosts as vertical lines, and time that flows down, one event a row.
type drawing struct {
	Title, Seed, Failure string
	Width, Height        int
	Lanes                []lane
	Rows                 []row
	Arrows               []arrow
	Down                 []bar
	Faults               []string
	Stuck                []sim.Event
	Tasks                []*taskLine
	Left                 int // how many events before the first row are not drawn
}

type lane struct {
	Name string
	X    int
}

type row struct {
	X, Y              int
	Time, Text, Class string
}

type arrow struct {
	X1, Y1, X2, Y2    int
	MidX, MidY        int
	Text, Full, Class string
}

// bar is a time in which a host was down.
type bar struct{ X, Y, Height int }

// draw returns a page that shows a run.
func draw(title string, r *Run, failure error) string {
	d := &drawing{Title: title, Seed: r.recipe.String()}
	if failure != nil {
		d.Failure = failure.Error()
	}
	for _, f := range r.faults {
		d.Faults = append(d.Faults, f.String())
	}
	p := plot{drawing: d, x: map[string]int{}, sent: map[string][]flight{}, down: map[string]int{}}
	p.events(visible(r.events))
	d.Tasks = taskLines(r.events)
	var b strings.Builder
	if err := page.Execute(&b, d); err != nil {
		panic(err) // the template is ours
	}
	return b.String()
}

// visible leaves out what goes on within a host, if there are hosts that talk to each other.
func visible(all []sim.Event) []sim.Event {
	within := func(e sim.Event) bool { return e.Kind == sim.Call || e.Kind == sim.Woken || e.Kind == sim.TaskIs }
	if !slices.ContainsFunc(all, func(e sim.Event) bool { return !within(e) }) {
		within = func(e sim.Event) bool { return e.Kind == sim.TaskIs }
	}
	return slices.DeleteFunc(slices.Clone(all), within)
}

// plot puts events on a page.
type plot struct {
	*drawing
	x    map[string]int
	sent map[string][]flight // by connection and receiver
	down map[string]int      // since which row a host has been down
}

// flight is something sent that has not arrived.
type flight struct {
	x, y int
	full string
	text string
}

func (p *plot) events(list []sim.Event) {
	p.Left = max(len(list)-maxDrawn, 0)
	list = list[p.Left:]
	for _, e := range list {
		p.lane(e.Host)
		if e.Peer != "" {
			p.lane(e.Peer)
		}
	}
	p.Width = laneLeft + max(len(p.Lanes), 1)*laneWidth + 120
	last := time.Duration(-1)
	for i, e := range list {
		y := top + (i+1)*rowHeight
		at := ""
		if e.Time != last {
			at, last = e.Time.String(), e.Time
		}
		p.event(e, y, at)
	}
	p.Height = top + (len(list)+2)*rowHeight
	for host, y := range p.down {
		p.Down = append(p.Down, bar{p.x[host] - 5, y, p.Height - y})
	}
	slices.SortFunc(p.Down, func(a, b bar) int { return a.Y - b.Y })
}

// lane gives a host its line.
func (p *plot) lane(host string) {
	if _, has := p.x[host]; has || host == "" && len(p.x) > 0 {
		return
	}
	p.x[host] = laneLeft + len(p.Lanes)*laneWidth
	if host == "" {
		p.x[host] = 100
		return
	}
	p.Lanes = append(p.Lanes, lane{host, p.x[host]})
}

func (p *plot) event(e sim.Event, y int, at string) {
	x := p.x[e.Host]
	if e.Host == "" {
		x = 100
	}
	text := e.Text
	switch e.Kind {
	case sim.Sent:
		key := fmt.Sprint(e.Conn, " ", e.Peer)
		p.sent[key] = append(p.sent[key], flight{x, y, e.Text, says(e)})
		p.Rows = append(p.Rows, row{x, y, at, "", "sent"})
		return
	case sim.Arrived, sim.Lost:
		p.arrive(e, x, y)
		p.Rows = append(p.Rows, row{x, y, at, "", string(e.Kind)})
		return
	case sim.Crashed:
		p.down[e.Host] = y
	case sim.Started:
		if from, was := p.down[e.Host]; was {
			p.Down = append(p.Down, bar{x - 5, from, y - from})
			delete(p.down, e.Host)
		}
	case sim.Stuck:
		p.Stuck = append(p.Stuck, e)
	}
	if e.Kind != sim.Call {
		text = strings.TrimSpace(string(e.Kind) + " " + text)
	}
	p.Rows = append(p.Rows, row{x, y, at, text, string(e.Kind)})
}

// arrive draws the arrow of what was sent first of what has not arrived.
func (p *plot) arrive(e sim.Event, x, y int) {
	key := fmt.Sprint(e.Conn, " ", e.Host)
	if e.Kind == sim.Lost {
		key = fmt.Sprint(e.Conn, " ", e.Peer)
	}
	from := flight{p.x[e.Peer], y - rowHeight, e.Text, e.Text}
	if on := p.sent[key]; len(on) > 0 {
		from, p.sent[key] = on[0], on[1:]
	}
	to := x
	if e.Kind == sim.Lost {
		to = (from.x + p.x[e.Peer]) / 2
	}
	p.Arrows = append(p.Arrows, arrow{
		X1: from.x, Y1: from.y, X2: to, Y2: y, MidX: (from.x + to) / 2, MidY: (from.y+y)/2 - 2,
		Text: short(from.text), Full: full(from), Class: string(e.Kind),
	})
}

// says returns the first bytes of what is sent, if they can be read, or else how many there are.
func says(e sim.Event) string {
	first := strings.Join(strings.Fields(e.Data), " ")
	if first == "" && e.Data != "" {
		first = strings.Trim(strconv.Quote(e.Data), `"`)
	}
	if first == "" || strings.ContainsFunc(first, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return e.Text
	}
	return first
}

func full(f flight) string {
	if f.text == f.full {
		return f.full
	}
	return f.full + ": " + f.text
}

func short(s string) string {
	const most = 28
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
