package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/corolla-go/corolla/examples/talk"
)

const talkUsage = `Usage: corolla talk [options]

You do some I/O that cannot complete at once: what do you do meanwhile? Sends data to a
server that takes it slowly, while there is counting to do, once with each way of waiting,
and shows what came of both. The server is embedded and checks every byte.

Rows: `

func runTalk(c *console, args []string) error {
	fs := flag.NewFlagSet("talk", flag.ContinueOnError)
	mib := fs.Int("mib", 40, "send `N` MiB in each row")
	only := fs.String("only", "", "run these rows, `ROW,…`, instead of all")
	rate := fs.Float64("rate", 200, "the embedded server reads `N` MiB/s")
	sink := fs.String("sink", "", "send to `HOST:PORT` instead; the bytes are then not verified")
	asJSON := fs.Bool("json", false, "print one JSON object")
	page := fs.String("html", "", "write a page with timelines to `FILE`")
	if err := parse(fs, c, talkUsage+strings.Join(talk.Names(), ", ")+".\n", args); err != nil {
		return err
	}
	o := talk.Options{MiB: *mib, Rate: *rate, Sink: *sink, Rows: talk.Rows}
	if err := checkTalk(fs, &o, *only); err != nil {
		return err
	}
	if watched(c.err) {
		o.Progress = func(n int, row talk.Row) {
			fmt.Fprintf(c.err, "\r\x1b[K%d/%d %s: %s", n+1, len(o.Rows), row.Name, row.What)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	results, err := talk.Run(ctx, o)
	if o.Progress != nil {
		fmt.Fprint(c.err, "\r\x1b[K")
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if e := show(c.out, results, o, *asJSON, *page); e != nil {
		return e
	}
	if err != nil {
		return fmt.Errorf("corolla talk: interrupted after %d of %d rows", len(results), len(o.Rows))
	}
	for _, r := range results {
		if !r.OK {
			return errSilent
		}
	}
	return nil
}

func checkTalk(fs *flag.FlagSet, o *talk.Options, only string) error {
	if fs.NArg() > 0 {
		return usagef("corolla talk: unexpected argument %q; rows are given with --only", fs.Arg(0))
	}
	if o.MiB < 1 || o.MiB > 1<<14 {
		return usagef("corolla talk: --mib %d: from 1 to %d", o.MiB, 1<<14)
	}
	if !(o.Rate > 0) {
		return usagef("corolla talk: --rate %v: more than 0", o.Rate)
	}
	if o.Sink != "" {
		if _, _, err := net.SplitHostPort(o.Sink); err != nil {
			return usagef("corolla talk: --sink: %v; it takes HOST:PORT", err)
		}
	}
	if only == "" {
		return nil
	}
	o.Rows = nil
	for _, name := range strings.Split(only, ",") {
		row, ok := talk.Find(name)
		if !ok {
			return usagef("corolla talk: unknown row %q; rows: %s", name, strings.Join(talk.Names(), ", "))
		}
		o.Rows = append(o.Rows, row)
	}
	return nil
}

func show(w io.Writer, results []talk.Result, o talk.Options, asJSON bool, page string) error {
	if page != "" {
		if err := writePage(page, results, o); err != nil {
			return fmt.Errorf("corolla talk: %w", err)
		}
	}
	if asJSON {
		if results == nil {
			results = []talk.Result{}
		}
		return json.NewEncoder(w).Encode(map[string]any{"rows": results})
	}
	return table(w, results)
}

func table(out io.Writer, results []talk.Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "row\tseconds\tMiB/s\tslices\tidle I/O ms\tidle work ms\tverified\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%.3f\t%.1f\t%d\t%.1f\t%.1f\t%s\t", r.Row, r.Seconds, r.Rate, r.Slices,
			r.IdleIO, r.IdleWork, verified(r))
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if !r.OK {
			fmt.Fprintf(out, "%s failed: %s\n", r.Row, r.Error)
		}
	}
	_, err := fmt.Fprint(out, `
slices: counted while the send was under way. idle I/O: the longest stretch in which no byte
moved though the socket could take some. idle work: the longest in which nothing was counted.
`)
	return err
}

func verified(r talk.Result) string {
	if r.Verified {
		return fmt.Sprintf("%d bytes", r.Bytes)
	}
	return "no"
}
