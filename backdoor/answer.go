package backdoor

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/corolla-go/corolla"
)

// answer is what a command returns: text without empty lines for people and, marshaled, an object
// for programs.
type answer interface{ text(w *bytes.Buffer) }

// failure says why a command did nothing.
type failure struct {
	Error string `json:"error"`
}

func failf(format string, a ...any) answer { return failure{fmt.Sprintf(format, a...)} }

func (f failure) text(w *bytes.Buffer) { fmt.Fprintf(w, "error: %s\n", f.Error) }

// row is a line of a table.
type row interface{ cells() []string }

// listing is the rows of a list that are shown, and how many there are in all.
type listing[R row] struct {
	rows  []R
	total int
}

// list makes rows of the items that contain the call's word, and of at most c.most. Only tasks in
// rows that are shown are given numbers, because the numbers are kept.
func list[T any, R row](c *call, items []T, make func(item T, number func(*corolla.Task) int) R) listing[R] {
	l := listing[R]{rows: []R{}}
	for _, item := range items {
		if c.arg != "" && !strings.Contains(strings.Join(make(item, c.known).cells(), " "), c.arg) {
			continue
		}
		if l.total++; len(l.rows) < c.most {
			l.rows = append(l.rows, make(item, c.number))
		} else if c.arg == "" {
			l.total = len(items)
			break
		}
	}
	return l
}

func (l listing[R]) text(w *bytes.Buffer, c *call, what string, header ...string) {
	if l.total == 0 {
		fmt.Fprintf(w, "no %s\n", what)
		return
	}
	table(w, maxCell, header, l.rows)
	if left := l.total - len(l.rows); left > 0 {
		fmt.Fprintf(w, "and %d more; %s WORD lists those that contain WORD\n", left, c.name)
	}
}

// table writes rows in columns, each at most width characters wide; 0 means any width.
func table[R row](w *bytes.Buffer, width int, header []string, rows []R) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells []string) {
		for i, cell := range cells {
			cells[i] = fit(cell, width)
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	if header != nil {
		line(header)
	}
	for _, r := range rows {
		line(r.cells())
	}
	_ = tw.Flush() // a bytes.Buffer never fails
}

// fact is a line of a description.
type fact [2]string

func (f fact) cells() []string { return f[:] }

// maxCell is how wide a column of a list may be.
const maxCell = 48

// fit returns a text as a cell of a table.
func fit(text string, width int) string {
	if text = clean(text); text == "" {
		return "-"
	}
	if width > 0 && utf8.RuneCountInString(text) > width {
		text = string([]rune(text)[:width-1]) + "…"
	}
	return text
}

// clean makes a text safe for a terminal: names may come from anywhere.
func clean(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		text = strconv.Quote(text)
	}
	return text
}

// span formats a duration with as many digits as are useful.
func span(d time.Duration) string {
	switch {
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(10 * time.Microsecond)
	case d >= time.Microsecond:
		d = d.Round(100 * time.Nanosecond)
	}
	return d.String()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
