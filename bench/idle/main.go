// Command idle compares how much memory an idle connection takes in the server's process.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla/bench/internal/httpservers"
	"github.com/corolla-go/corolla/bench/internal/httpwork"
	"github.com/corolla-go/corolla/bench/internal/servers"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

const about = `idle compares how much memory an idle connection takes in the process of an echo or HTTP
server.

The client opens connections; each sends one request and gets its answer, and then all idle.
Then all of them send at once and get their answers, and idle again. Shown is how much the
server's memory grew for each connection: the resident size as it is, garbage and all, and the
live heap with the stacks, after a collection. The servers of examples/echo hold a buffer of
4 KiB for each connection in net, task and gen; "copy" is task without one, with aio.Copy, as
green is with io.Copy. The servers of "http/…" are asked for an answer of five bytes over HTTP;
those that are not in Go have only a resident size, and what is not installed is left out.
Exit status: 0, 1 on failure, 2 on bad usage.`

// settle is how long connections idle before the memory is measured.
const settle = time.Second

type settings struct {
	rounds, conns turns.Count
	only          turns.Names
	json          bool
	dir           string // has the files of the HTTP servers
}

// overHTTP begins the names of servers that are asked over HTTP.
const overHTTP = "http/"

func httpNames() (names []string) {
	for _, name := range httpservers.Names() {
		names = append(names, overHTTP+name)
	}
	return names
}

func main() {
	set := &settings{rounds: 3, conns: 15_000, only: turns.Names{
		Valid:  slices.Concat(servers.Names(), []string{withCopy}, httpNames()),
		Chosen: []string{"net", "transport", "task", withCopy, "green"},
	}}
	turns.Command{
		Name:  "idle",
		About: about,
		Flags: func(fs *flag.FlagSet) {
			fs.Var(&set.rounds, "rounds", "turns for each server, a `number`")
			fs.Var(&set.conns, "conns", "connections, a `number` below the limit of descriptors")
			fs.Var(&set.only, "only", "the servers, comma-separated `names`")
			fs.BoolVar(&set.json, "json", false, "write one JSON object")
		},
		Run:   set.run,
		Roles: map[string]func([]string) error{"server": playServer, "client": playClient},
	}.Main()
}

func (set *settings) run(ctx context.Context) (err error) {
	if set.dir, err = os.MkdirTemp("", "corolla-bench-"); err != nil {
		return fmt.Errorf("make a folder for the files: %w", err)
	}
	defer os.RemoveAll(set.dir)
	if err := httpwork.WriteFiles(set.dir); err != nil {
		return err
	}
	names, missing := set.installed()
	if len(names) == 0 {
		return fmt.Errorf("no server to measure; %s", strings.Join(missing, "; "))
	}
	out := report{Machine: turns.ThisMachine(), LeftOut: missing, Rounds: int(set.rounds), Conns: int(set.conns)}
	if !set.json {
		if err := out.writeHead(os.Stdout); err != nil {
			return err
		}
	}
	all, err := turns.Rounds(ctx, fmt.Sprintf("%d connections", set.conns), names, int(set.rounds), set.turn)
	if err != nil {
		return err
	}
	for _, name := range names {
		out.Servers = append(out.Servers, newResult(name, all[name], float64(set.conns)))
	}
	if set.json {
		return turns.WriteJSON(os.Stdout, out)
	}
	return out.writeTable(os.Stdout)
}

// installed returns those of the chosen servers that can be run here, and why others cannot.
func (set *settings) installed() (names, missing []string) {
	for _, name := range set.only.Chosen {
		if web, ok := strings.CutPrefix(name, overHTTP); ok {
			if _, _, notes := httpservers.Installed([]string{web}); len(notes) > 0 {
				missing = append(missing, notes...)
				continue
			}
		}
		names = append(names, name)
	}
	return names, missing
}

// tellsMemory reports whether a server can be asked for its live memory.
func tellsMemory(name string) bool {
	web, ok := strings.CutPrefix(name, overHTTP)
	return !ok || httpservers.InGo(web)
}

// memory is how much a server has at one moment, in bytes.
type memory struct{ rss, live int64 }

// moments is one turn.
type moments struct{ before, idle, burst memory }

func (set *settings) turn(ctx context.Context, name string) (m moments, err error) {
	srv, err := turns.StartRole(ctx, turns.ServerCore, "server", name, set.dir)
	if err != nil {
		return m, err
	}
	defer srv.Kill()
	addr, err := srv.Line()
	if err != nil {
		return m, fmt.Errorf("the server's address: %w", err)
	}
	if err := httpwork.Await(addr); err != nil {
		return m, err
	}
	if m.before, err = look(ctx, srv, name); err != nil {
		return m, err
	}
	client, err := turns.StartRole(ctx, turns.LoadCore, "client", name, addr, strconv.Itoa(int(set.conns)))
	if err != nil {
		return m, err
	}
	defer client.Kill()
	if err := client.Expect("idle"); err != nil {
		return m, fmt.Errorf("the client: %w", err)
	}
	if m.idle, err = look(ctx, srv, name); err != nil {
		return m, err
	}
	if err := client.Say("burst"); err != nil {
		return m, fmt.Errorf("the client: %w", err)
	}
	if err := client.Expect("idle"); err != nil {
		return m, fmt.Errorf("the client, in the burst: %w", err)
	}
	m.burst, err = look(ctx, srv, name)
	return m, err
}

// look asks for the live memory last, since the collection that this needs changes the resident
// size.
func look(ctx context.Context, srv *turns.Child, name string) (m memory, err error) {
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return m, ctx.Err()
	}
	if m.rss, err = turns.RSS(srv.Pid()); err != nil || !tellsMemory(name) {
		return m, err
	}
	if err := srv.Say("memory"); err != nil {
		return m, fmt.Errorf("the server: %w", err)
	}
	line, err := srv.Line()
	if err != nil {
		return m, fmt.Errorf("the server's memory: %w", err)
	}
	if m.live, err = strconv.ParseInt(line, 10, 64); err != nil {
		return m, fmt.Errorf("the server's memory: %w", err)
	}
	return m, nil
}
