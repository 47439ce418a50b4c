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

const (
	anyCall  = "raw_syscalls:sys_enter"
	oneCall  = "syscalls:sys_enter_"
	perfFull = "100.00" // percent of the time in which perf really counted
)

// perfWorks tries perf on a program that does nothing: it may be missing, or forbidden.
func perfWorks() bool {
	self, err := os.Executable()
	if err != nil {
		return false
	}
	return exec.Command("perf", "stat", "-e", anyCall+","+oneCall+"read", "--", self, "--help").Run() == nil
}

// withPerf starts perf with its counters off, and has it turn them on and say so: otherwise there
// is no telling when it starts to count.
func withPerf(ctx context.Context, dir string, pid int, f func() error) (map[string]float64, error) {
	events := anyCall
	for call := range kinds {
		events += "," + oneCall + call
	}
	file := filepath.Join(dir, "counts")
	tool := exec.CommandContext(ctx, "perf", "stat", "-x", ";", "-o", file, "-e", events,
		"--delay", "-1", "--control", "fd:3,4", "-p", strconv.Itoa(pid))
	control, tell, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer tell.Close()
	defer control.Close()
	hear, answer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer hear.Close()
	defer answer.Close()
	tool.ExtraFiles = []*os.File{control, answer}
	err = during(tool, func() error {
		answer.Close() // perf has it now, and only perf's end may keep the pipe open
		if _, err := tell.WriteString("enable\n"); err != nil {
			return fmt.Errorf("tell perf: %w", err)
		}
		if line, err := bufio.NewReader(hear).ReadString('\n'); err != nil {
			return fmt.Errorf("hear from perf: %q: %w", line, err)
		}
		return nil
	}, f)
	if err != nil {
		return nil, err
	}
	byName, err := readCounts(file, perfLine)
	byName[""] = byName[anyCall]
	return byName, err
}

// perfLine splits a line into number, unit, event, time and share; a number scaled up from a part
// of the time does not count.
func perfLine(line string) []string {
	f := strings.Split(strings.TrimSpace(line), ";")
	if len(f) < 5 || f[4] != perfFull {
		return nil
	}
	return []string{f[0], strings.TrimPrefix(f[2], oneCall)}
}
