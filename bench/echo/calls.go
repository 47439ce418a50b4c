package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// System calls are counted by perf where it is permitted, because it does not disturb: the server
// stays as fast as it is, so the batches that it takes from each wait are those of the measured
// turns. strace stops the server at every call, so far more requests come together, and there are
// too few waits per request. It needs no privilege, so it is the fallback.

// calls is how many system calls the server makes for one request.
type calls struct{ total, read, write, wait float64 }

func (c calls) other() float64 { return max(0, c.total-c.read-c.write-c.wait) }

// countRounds is how many rounds are counted at most. The reads and writes per request do not vary;
// how many requests come with each wait does.
const countRounds = 3

// kinds says what is counted separately.
var kinds = map[string]func(*calls) *float64{
	"read": reads, "readv": reads, "recvfrom": reads,
	"write": writes, "writev": writes, "sendto": writes,
	"epoll_wait": waits, "epoll_pwait": waits,
}

func reads(c *calls) *float64  { return &c.read }
func writes(c *calls) *float64 { return &c.write }
func waits(c *calls) *float64  { return &c.wait }

// counter counts the calls of a process during f, by name; "" is all of them.
type counter func(ctx context.Context, dir string, pid int, f func() error) (map[string]float64, error)

// findCounter returns nil if there is none, and says in words how it counts or why not.
func findCounter() (counter, string) {
	if perfWorks() {
		return withPerf, "counted in separate turns by perf"
	}
	if _, err := exec.LookPath("strace"); err == nil {
		return withStrace, "counted in separate turns by strace, which slows the server: it waits less often than it would"
	}
	return nil, "not counted: strace is not installed, and perf is missing or not permitted"
}

// countTurn counts the calls of one server. A tenth of the requests is enough, since one
// request is like another.
func (set *settings) countTurn(ctx context.Context, name string, j job, count counter) (calls, error) {
	dir, err := os.MkdirTemp("", "corolla-bench-")
	if err != nil {
		return calls{}, fmt.Errorf("make a folder for the counts: %w", err)
	}
	defer os.RemoveAll(dir)
	j.requests = max(j.requests/10, 10*j.conns)
	var byName map[string]float64
	err = set.turn(ctx, name, j, func(pid int, ask func() error) (err error) {
		byName, err = count(ctx, dir, pid, ask)
		return err
	})
	if err != nil {
		return calls{}, fmt.Errorf("count system calls: %w", err)
	}
	c := calls{total: byName[""] / float64(j.requests)}
	for call, kind := range kinds {
		*kind(&c) += byName[call] / float64(j.requests)
	}
	return c, nil
}

// during runs f while a tool watches: ready returns once it does, and the interrupt makes
// it write its counts.
func during(tool *exec.Cmd, ready func() error, f func() error) error {
	if err := tool.Start(); err != nil {
		return fmt.Errorf("start %s: %w", tool.Path, err)
	}
	err := ready()
	if err == nil {
		err = f()
	}
	_ = tool.Process.Signal(os.Interrupt) // it may have failed, and then its counts are missing
	_ = tool.Wait()                       // interrupted, which is no failure
	return err
}

func withStrace(ctx context.Context, dir string, pid int, f func() error) (map[string]float64, error) {
	file := filepath.Join(dir, "counts")
	tool := exec.CommandContext(ctx, "strace", "-f", "-c", "-U", "calls,name", "-o", file, "-p", strconv.Itoa(pid))
	said, err := tool.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	err = during(tool, func() error {
		line, err := bufio.NewReader(said).ReadString('\n')
		if err != nil || !strings.Contains(line, "attached") {
			return fmt.Errorf("strace: %s", strings.TrimSpace(line))
		}
		return nil
	}, f)
	if err != nil {
		return nil, err
	}
	byName, err := readCounts(file, func(line string) []string { return strings.Fields(line) })
	byName[""] = byName["total"]
	return byName, err
}

// readCounts reads lines, which split turns into a number and a name first.
func readCounts(file string, split func(string) []string) (map[string]float64, error) {
	byName := map[string]float64{}
	text, err := os.ReadFile(file)
	if err != nil {
		return byName, fmt.Errorf("read the counts: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		f := split(line)
		if len(f) < 2 {
			continue
		}
		if n, err := strconv.ParseFloat(f[0], 64); err == nil {
			byName[f[1]] = n
		}
	}
	if len(byName) == 0 {
		return byName, fmt.Errorf("no counts in %q", text)
	}
	return byName, nil
}
