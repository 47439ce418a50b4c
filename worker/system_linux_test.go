package worker_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Unix socket: its path outlives workers and reloads, and not the parent.
func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	p := begin(t, settings{Workers: 2, Network: "unix", Address: path})
	p.ready(2)
	ask(t, p)
	p.signal(syscall.SIGHUP)
	p.next("reloaded")
	p.ended(2)
	if got := ask(t, p); got.generation != 1 {
		t.Errorf("generation %d", got.generation)
	}
	p.stop()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the path is there after the end: %v", err)
	}
}

// New files under the program's name: one that does not work, and one that does. What is started meanwhile is the
// old version.
func TestNewProgram(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	link := func(to string) {
		t.Helper()
		if err := errors.Join(os.Symlink(to, program+".new"), os.Rename(program+".new", program)); err != nil {
			t.Fatal(err)
		}
	}
	link(os.Args[0])
	p := begin(t, settings{Workers: 1, Program: program})
	pids := p.ready(1)
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho broken >&2\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for what, why := range map[string]string{broken: "exit status 7: broken", filepath.Join(dir, "none"): "no such file"} {
		link(what)
		p.signal(syscall.SIGHUP)
		if e := p.next("the new workers do not become ready; the old ones go on"); !strings.Contains(e.Err, why) {
			t.Errorf("%+v", e)
		}
	}
	for pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	p.ready(1) // not broken
	ask(t, p)
	link(os.Args[0])
	p.signal(syscall.SIGHUP)
	p.next("reloaded")
	p.stop()
}

// Under systemd: a socket that it passes, and what it is told. The shell knows the number of the process that
// it becomes.
func TestSystemd(t *testing.T) {
	dir := t.TempDir()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	t.Setenv("NOTIFY_SOCKET", notify.LocalAddr().String())
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("LISTEN_FDNAMES", "web")
	extra = []*os.File{f}
	defer func() { extra = nil }()
	p := begin(t, settings{Workers: 1, Network: "tcp", Address: "192.0.2.1:1"}, "sh", "-c", `LISTEN_PID=$$ exec "$0"`)
	told := func(want string) {
		t.Helper()
		_ = notify.SetReadDeadline(time.Now().Add(deadline)) // it is open
		for b := make([]byte, 1000); ; {
			n, err := notify.Read(b)
			if err != nil {
				t.Fatalf("systemd waits for %s: %v", want, err)
			}
			if slices.Contains(strings.Split(string(b[:n]), "\n"), want) {
				return
			}
		}
	}
	told("READY=1")
	told("WATCHDOG=1")
	p.ready(1)
	if p.addr != ln.Addr().String() {
		t.Errorf("it listens at %s, and not at the socket that was passed, %v", p.addr, ln.Addr())
	}
	ask(t, p)
	p.signal(syscall.SIGHUP)
	told("RELOADING=1")
	told("READY=1")
	p.signal(syscall.SIGTERM)
	told("STOPPING=1")
	if code := p.end(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

// As process 1 of a container: what others leave behind is reaped, and SIGTERM ends it all.
func TestProcessOne(t *testing.T) {
	if err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").Run(); err != nil {
		t.Skipf("no PID namespaces here: %v", err)
	}
	p := begin(t, settings{Workers: 1}, "unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
	p.ready(1)
	for range 5 {
		c := client{network: "tcp", addr: p.addr}
		if _, err := c.get("/orphan"); err != nil {
			t.Fatal(err)
		}
	}
	one := children(t, p.cmd.Process.Pid)[0].pid
	late := time.Now().Add(deadline)
	for {
		left := children(t, one)
		if len(left) == 1 && !left[0].zombie {
			break // the worker
		}
		if ask(t, p); time.Now().After(late) {
			t.Fatalf("process 1 has the children %+v, and one worker", left)
		}
	}
	if err := syscall.Kill(one, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit status %d; %s", code, p.stderr.String())
	}
}

type childProcess struct {
	pid    int
	zombie bool
}

// children lists a process's children.
func children(t *testing.T, pid int) (all []childProcess) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has gone
		}
		text := string(stat)
		f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if n, _ := strconv.Atoi(f[1]); n == pid {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			all = append(all, childProcess{n, f[0] == "Z"})
		}
	}
	return all
}

// What a parent has open is the same after reloads, after failed ones, and after workers that were killed.
func TestNothingStaysOpen(t *testing.T) {
	p := begin(t, settings{Workers: 2})
	pids := p.ready(2)
	before := open(t, p)
	for range 3 {
		p.mode("another")
		p.signal(syscall.SIGHUP)
		p.next("the new workers do not become ready; the old ones go on")
		p.mode("web")
		for pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			p.ready(1)
			break
		}
		p.signal(syscall.SIGHUP)
		pids = p.ready(2)
		p.next("reloaded")
		p.ended(2)
	}
	late := time.Now().Add(deadline)
	for open(t, p) != before { // of those that have failed the parent still reads the rest
		if ask(t, p); time.Now().After(late) {
			t.Fatalf("%d descriptors are open, and %d were", open(t, p), before)
		}
	}
	p.stop()
}

// open counts a parent's descriptors.
func open(t *testing.T, p *parent) int {
	t.Helper()
	all, err := os.ReadDir("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A version that prints megabytes before it is ready, to somebody whose disk is full, and says a status without an
// end.
func TestMuchToSay(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	extra = []*os.File{full}
	defer func() { extra = nil }()
	p := begin(t, settings{Workers: 1, Mode: modeFile(t, "prints")}, "sh", "-c", `exec "$0" 2>&3`)
	if e := p.next("worker status"); len(e.Status) < 1000 {
		t.Errorf("a status of %d bytes", len(e.Status))
	}
	p.ready(1)
	ask(t, p)
	p.signal(syscall.SIGHUP)
	p.next("reloaded")
	p.ended(1)
	ask(t, p)
	p.stop()
}
