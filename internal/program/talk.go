package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/corolla-go/corolla/examples/talk"
)

// request holds the options of talk.
type request struct {
	talk.Options
	json bool
	page string
}

func (r *request) options() []option {
	return []option{
		{"mib", "N", "40", "send N MiB in each row, 1 to 16384", whole(&r.MiB, "MiB", 1, 1<<14)},
		{"rate", "N", "200", "let the embedded server read N MiB/s, 0.1 to 100000", number(&r.Rate, "MiB/s", 0.1, 1e5)},
		{"only", "ROW,…", "", "run these rows, in this order, instead of all", r.only},
		{"sink", "HOST:PORT", "", "send to this server instead; what arrives is then not checked", hostPort(&r.Sink, 1)},
		{"json", "", "", "print one JSON object instead of the table", on(&r.json)},
		{"html", "FILE", "", "write a page with timelines to FILE as well", fileName(&r.page)},
	}
}

// only chooses the rows.
func (r *request) only(text string) string {
	r.Rows = nil
	names := strings.Split(text, ",")
	for i, name := range names {
		row, known := talk.Find(name)
		switch {
		case !known:
			return fmt.Sprintf("unknown row %s; rows: %s", quoted(name), strings.Join(talk.Names(), ", "))
		case slices.Contains(names[:i], name):
			return name + " is listed twice"
		}
		r.Rows = append(r.Rows, row)
	}
	return ""
}

func runTalk(c *console, args []string) error {
	r := request{Options: talk.Options{Rows: talk.Rows}}
	rest, err := parse("talk", r.options(), args)
	switch {
	case err == errHelp:
		return helpTalk(c)
	case err != nil:
		return err
	case len(rest) > 0:
		return usagef("corolla talk: unexpected argument %s; rows are chosen with --only", quoted(rest[0]))
	}
	page, err := openPage(r.page)
	if err != nil {
		return err
	}
	if watched(c.err) {
		r.Progress = func(n int, row talk.Row) {
			fmt.Fprintf(c.err, "\r\x1b[K%d/%d %s: %s", n+1, len(r.Rows), row.Name, row.What)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	results, err := talk.Run(ctx, r.Options)
	if r.Progress != nil {
		fmt.Fprint(c.err, "\r\x1b[K")
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return errors.Join(err, page.drop())
	}
	if e := errors.Join(show(c.out, results, r), page.write(results, r.Options)); e != nil {
		return e
	}
	if err != nil {
		return fmt.Errorf("interrupted after %d of %d rows", len(results), len(r.Rows))
	}
	if slices.ContainsFunc(results, func(r talk.Result) bool { return !r.OK }) {
		return errSilent
	}
	return nil
}

func helpTalk(c *console) error {
	var w bytes.Buffer
	fmt.Fprint(&w, `Usage: corolla talk [options]

Some I/O cannot complete at once: what do you do meanwhile? Sends data to a server that takes
it slowly while there is counting to do, once with each way of waiting, and compares what came
of both. The server is embedded unless you name one, and checks every byte.

Rows:
`)
	for _, row := range talk.Rows {
		fmt.Fprintf(&w, "  %-10s  %s\n", row.Name, row.What)
	}
	fmt.Fprint(&w, "\nOptions:\n")
	helpOptions(&w, new(request).options())
	fmt.Fprint(&w, `
The JSON object has the options, the rows with their figures, and the conclusion.

Example:
  corolla talk --mib 100 --only blocking,threads,tasks --html talk.html

Exit status: 0 if all rows went well, 1 if one failed or the talk was interrupted by SIGINT or
SIGTERM (the results so far are shown), 2 if the command line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}

// document is what --json prints.
type document struct {
	MiB        int           `json:"mib"`
	Rate       float64       `json:"rate_mib_per_s"` // 0 if the server is not ours
	Sink       string        `json:"sink"`
	Rows       []talk.Result `json:"rows"`
	Conclusion string        `json:"conclusion"`
}

func show(w io.Writer, results []talk.Result, r request) error {
	if r.json {
		d := document{r.MiB, readRate(r.Options), r.Sink, results, conclude(results, r.Options)}
		if results == nil {
			d.Rows = []talk.Result{}
		}
		return json.NewEncoder(w).Encode(d)
	}
	if len(results) == 0 {
		return nil
	}
	return table(w, results, conclude(results, r.Options))
}

// readRate is how many MiB/s the server reads, or 0 if that is unknown.
func readRate(o talk.Options) float64 {
	if o.Sink != "" {
		return 0
	}
	return o.Rate
}

func conclude(results []talk.Result, o talk.Options) string {
	return talk.Conclude(results, readRate(o))
}

func table(out io.Writer, results []talk.Result, conclusion string) error {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "row\tseconds\tMiB/s\tslices\tslices/s\tidle I/O ms\tidle work ms\tverified\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%.3f\t%.1f\t%d\t%.0f\t%.1f\t%.1f\t%s\t\n", r.Row, r.Seconds, r.Rate, r.Slices,
			r.Pace, r.IdleIO, r.IdleWork, verified(r))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if !r.OK {
			fmt.Fprintf(&text, "%s failed: %s\n", r.Row, r.Error)
		}
	}
	fmt.Fprintf(&text, `
slices: counted while the send was under way. idle I/O: the longest stretch in which no byte
moved though the socket could take some. idle work: the longest in which nothing was counted.

%s
`, wrap(conclusion, 92))
	_, err := out.Write(text.Bytes())
	return err
}

// wrap breaks a text into lines of at most width characters, and keeps numbers with what they
// count.
func wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		word := words[i]
		for last := word[len(word)-1]; last >= '0' && last <= '9' && i+1 < len(words); last = word[len(word)-1] {
			i++
			word += " " + words[i]
		}
		switch {
		case column > 0 && column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		case column > 0:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

func verified(r talk.Result) string {
	if r.Verified {
		return fmt.Sprintf("%d bytes", r.Bytes)
	}
	return "no"
}
