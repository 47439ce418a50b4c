// Command bulk compares what it costs a server to receive a lot of data over one connection.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/corolla-go/corolla/bench/internal/turns"
)

const about = `bulk compares how many bytes a server receives over one connection for each second of its
CPU time.

The receivers: c (read until the end, compiled with gcc), net (Go's own), and Corolla's
callback, transport and task models. Each reads 64 KiB at most at a time, has one core, and the
sender another; they take turns, in fresh processes, and the medians and ranges of all rounds
are shown. Exit status: 0, 1 on failure, 2 on bad usage.`

//go:embed sink.c
var cSource []byte

type settings struct {
	rounds, mib turns.Count
	only        turns.Names
	json        bool
	cProgram    string // where c was compiled to
}

func main() {
	valid := append([]string{"c"}, sinkNames()...)
	set := &settings{rounds: 7, mib: 1024, only: turns.Names{Valid: valid, Chosen: valid}}
	turns.Command{
		Name:  "bulk",
		About: about,
		Flags: func(fs *flag.FlagSet) {
			fs.Var(&set.rounds, "rounds", "turns for each server, a `number`")
			fs.Var(&set.mib, "mib", "MiB to send in a turn, a `number`")
			fs.Var(&set.only, "only", "the servers, comma-separated `names`; ratios are to the first")
			fs.BoolVar(&set.json, "json", false, "write one JSON object")
		},
		Run: set.run,
		Roles: map[string]func([]string) error{
			"server": func(args []string) error { return runSink(args[0]) },
			"sender": playSender,
		},
	}.Main()
}

func (set *settings) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "corolla-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the C program: %w", err)
	}
	defer os.RemoveAll(dir)
	if set.only.Has("c") {
		if set.cProgram, err = turns.Compile(ctx, dir, "sink", cSource); err != nil {
			return fmt.Errorf("%w; --only leaves servers out", err)
		}
	}
	out := report{Machine: turns.ThisMachine(), Rounds: int(set.rounds), MiB: int(set.mib), RatiosTo: set.only.Chosen[0]}
	if !set.json {
		if err := out.writeHead(os.Stdout); err != nil {
			return err
		}
	}
	all, err := turns.Rounds(ctx, "bulk", set.only.Chosen, int(set.rounds), set.turn)
	if err != nil {
		return err
	}
	out.addResults(set.only.Chosen, all)
	if set.json {
		return turns.WriteJSON(os.Stdout, out)
	}
	return out.writeTable(os.Stdout)
}

// rate is the figures of one turn: bytes per second of the server's CPU time, and per second of
// wall-clock time.
type rate struct{ cpu, clock float64 }

func (set *settings) turn(ctx context.Context, name string) (r rate, err error) {
	srv, err := set.start(ctx, name)
	if err != nil {
		return r, err
	}
	defer srv.Kill()
	addr, err := srv.Line()
	if err != nil {
		return r, fmt.Errorf("the server's address: %w", err)
	}
	sender, err := turns.StartRole(ctx, turns.LoadCore, "sender", addr, strconv.Itoa(int(set.mib)))
	if err != nil {
		return r, err
	}
	defer sender.Kill()
	if err := sender.Expect("ready"); err != nil {
		return r, fmt.Errorf("the sender: %w", err)
	}
	before, err := turns.CPUOf(srv.Pid())
	if err != nil {
		return r, err
	}
	begun := time.Now()
	if err := sender.Say("go"); err != nil {
		return r, fmt.Errorf("the sender: %w", err)
	}
	bytes := int(set.mib) << 20
	if err := srv.Expect(strconv.Itoa(bytes)); err != nil {
		return r, fmt.Errorf("the bytes received: %w", err)
	}
	took := time.Since(begun)
	after, err := turns.CPUOf(srv.Pid())
	total, _ := after.Since(before)
	return rate{float64(bytes) / total.Seconds(), float64(bytes) / took.Seconds()}, err
}

func (set *settings) start(ctx context.Context, name string) (*turns.Child, error) {
	if name == "c" {
		return turns.Start(ctx, turns.ServerCore, set.cProgram)
	}
	return turns.StartRole(ctx, turns.ServerCore, "server", name)
}

// playSender sends the given number of MiB when told to.
func playSender(args []string) error {
	if len(args) != 2 {
		return errors.New("want an address and MiB")
	}
	mib, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	c, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if err := turns.Heard("go"); err != nil {
		return err
	}
	chunk := make([]byte, 1<<20)
	for range mib {
		if _, err := c.Write(chunk); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	return c.Close()
}
