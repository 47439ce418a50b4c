// Command echo compares echo servers: the CPU time that each takes for a request.
//
// Each server is a process of its own on one core, and the load another on a second core.
// The servers take turns for some rounds, since a machine drifts, and the medians are shown.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const roleEnv = "COROLLA_BENCH_ROLE"

func main() {
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(strings.Fields(role)); err != nil {
			fmt.Fprintln(os.Stderr, "echo:", err)
			os.Exit(1)
		}
		return
	}
	rounds := flag.Int("rounds", 7, "how often each server has its turn")
	conns := flag.Int("conns", 100, "connections")
	requests := flag.Int("requests", 200_000, "requests in a turn")
	only := flag.String("only", strings.Join(names(), ","), "the servers")
	flag.Parse()
	if err := compare(strings.Split(*only, ","), *rounds, *conns, *requests); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// cost is what one request costs the server, in microseconds.
type cost struct{ user, system float64 }

func (c cost) total() float64 { return c.user + c.system }

func compare(servers []string, rounds, conns, requests int) error {
	costs := map[string][]cost{}
	for round := range rounds {
		for _, name := range servers {
			c, err := turn(name, conns, requests)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			costs[name] = append(costs[name], c)
			fmt.Fprintf(os.Stderr, "\rround %d of %d: %-12s", round+1, rounds, name)
		}
	}
	fmt.Fprintln(os.Stderr)
	fmt.Printf("%d connections, %d requests of 64 bytes a turn, %d rounds, %s\n", conns, requests, rounds, runtime.Version())
	fmt.Printf("%-12s %10s %10s %18s %10s\n", "server", "µs/request", "user µs", "range of µs", "× first")
	first := median(costs[servers[0]], cost.total)
	for _, name := range servers {
		all := costs[name]
		slices.SortFunc(all, func(a, b cost) int { return int(1e6 * (a.total() - b.total())) })
		m := median(all, cost.total)
		fmt.Printf("%-12s %10.2f %10.2f %18s %10.2f\n", name, m,
			median(all, func(c cost) float64 { return c.user }),
			fmt.Sprintf("%.2f to %.2f", all[0].total(), all[len(all)-1].total()), m/first)
	}
	return nil
}

func median(all []cost, of func(cost) float64) float64 {
	var v []float64
	for _, c := range all {
		v = append(v, of(c))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// turn runs one server and the load against it.
func turn(name string, conns, requests int) (cost, error) {
	srv, out, err := child("server", name)
	if err != nil {
		return cost{}, err
	}
	defer func() {
		_ = srv.Process.Kill()
		_ = srv.Wait() // killed
	}()
	addr, err := out.ReadString('\n')
	if err != nil {
		return cost{}, fmt.Errorf("the server did not start: %w", err)
	}
	load, loadOut, err := child("load", strings.TrimSpace(addr), strconv.Itoa(conns), strconv.Itoa(requests))
	if err != nil {
		return cost{}, err
	}
	defer load.Process.Kill()
	// The load says "go" when it is warm, and "done" at the end.
	var at [2]cost
	for i, want := range []string{"go\n", "done\n"} {
		if line, err := loadOut.ReadString('\n'); line != want {
			return cost{}, fmt.Errorf("the load said %q: %w", line, err)
		}
		if at[i], err = cpuTime(srv.Process.Pid); err != nil {
			return cost{}, err
		}
	}
	if err := load.Wait(); err != nil {
		return cost{}, err
	}
	n := float64(requests)
	return cost{(at[1].user - at[0].user) / n, (at[1].system - at[0].system) / n}, nil
}

func child(role ...string) (*exec.Cmd, *bufio.Reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleEnv+"="+strings.Join(role, " "), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return cmd, bufio.NewReader(out), cmd.Start()
}

// cpuTime returns the CPU time of a process in microseconds, of which the system counts
// hundredths of a second: turns must be long.
func cpuTime(pid int) (cost, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return cost{}, err
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err1 := strconv.ParseFloat(f[11], 64)
	system, err2 := strconv.ParseFloat(f[12], 64)
	if err1 != nil || err2 != nil {
		return cost{}, fmt.Errorf("cannot read /proc/%d/stat: %q", pid, text)
	}
	const tick = 1e6 / 100
	return cost{user * tick, system * tick}, nil
}

func play(role []string) error {
	cpu := map[string]int{"server": 0, "load": 1}[role[0]] % runtime.NumCPU()
	var set unix.CPUSet
	set.Set(cpu)
	// Threads that exist already stay where they are, so that the process starts anew.
	if os.Getenv("COROLLA_BENCH_PINNED") == "" {
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return err
		}
		runtime.LockOSThread()
		self, err := os.Executable()
		if err != nil {
			return err
		}
		return unix.Exec(self, os.Args, append(os.Environ(), "COROLLA_BENCH_PINNED=1"))
	}
	if role[0] == "server" {
		return runServer(role[1])
	}
	conns, err1 := strconv.Atoi(role[2])
	requests, err2 := strconv.Atoi(role[3])
	if err1 != nil || err2 != nil {
		return fmt.Errorf("bad role %q", role)
	}
	return runLoad(role[1], conns, requests)
}

var patience = 20 * time.Second
