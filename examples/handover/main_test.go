//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const runVariable = "COROLLA_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A session goes on where it was, in another process, after each reload.
func TestSessionOutlivesReloads(t *testing.T) {
	server := exec.Command(os.Args[0], "-addr", "127.0.0.1:0", "-workers", "1")
	server.Env = append(os.Environ(), runVariable+"=1")
	out, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(out)
	await := func(what string) string {
		t.Helper()
		for log.Scan() {
			if _, rest, ok := strings.Cut(log.Text(), what); ok {
				return rest
			}
		}
		t.Fatalf("the server has ended before it said %q", what)
		return ""
	}
	defer func() { _ = server.Process.Kill() }()
	addr := ""
	if _, err := fmt.Sscanf(await("listening"), " name=lines addr=%s", &addr); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute)) // it is open
	in := bufio.NewReader(c)
	await("worker ready")
	seen := map[int]bool{}
	for i := range 3 {
		if i > 0 {
			if err := server.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			await("worker ended")
		}
		if _, err := fmt.Fprintln(c, "hello"); err != nil {
			t.Fatal(err)
		}
		n, pid := 0, 0
		if _, err := fmt.Fscanf(in, "line %d, to process %d\n", &n, &pid); err != nil || n != i+1 || seen[pid] {
			t.Errorf("line %d is called %d, by process %d: %v", i+1, n, pid, err)
		}
		seen[pid] = true
	}
	c.Close()
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for log.Scan() {
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
}
