package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// This file makes a network for three machines. Each is a network namespace with two cables (veth pairs) to one in the
// middle: one to a bridge there, by which the machines reach each other, and one to the clients, which are on the
// machine in the middle. A cut is the bridge's end of a cable set down: clients still reach the node, and it
// reaches no other.

// newLab makes the network, or skips the test where that is not allowed, and has the test's goroutine be in the middle.
func newLab(t *testing.T, n int) *machines {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	m := newMachines(t)
	prefix := fmt.Sprintf("cor%x", os.Getpid())
	hub := prefix + "-0"
	if err := ip("netns", "add", hub); err != nil {
		t.Skipf("network namespaces are not allowed here: %v", err)
	}
	setup := [][]string{
		{"-n", hub, "link", "set", "lo", "up"},
		{"-n", hub, "link", "add", "br0", "type", "bridge"},
		{"-n", hub, "link", "set", "br0", "up"},
	}
	t.Cleanup(func() {
		for i := range n + 1 {
			_ = ip("netns", "del", fmt.Sprint(prefix, "-", i)) // it may not have been made
		}
	})
	for i := 1; i <= n; i++ {
		ns, port, front := fmt.Sprint(prefix, "-", i), fmt.Sprint("port", i), fmt.Sprint("front", i)
		m.add(fmt.Sprint("n", i), ns, fmt.Sprintf("10.78.%d.2:8080", i), fmt.Sprintf("10.77.0.%d:6222", i))
		setup = append(setup, [][]string{
			{"netns", "add", ns},
			{"-n", ns, "link", "set", "lo", "up"},
			{"-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", ns},
			{"-n", hub, "link", "set", port, "master", "br0"},
			{"-n", hub, "link", "set", port, "up"},
			{"-n", ns, "addr", "add", fmt.Sprintf("10.77.0.%d/24", i), "dev", "eth0"},
			{"-n", ns, "link", "set", "eth0", "up"},
			{"-n", hub, "link", "add", front, "type", "veth", "peer", "name", "eth1", "netns", ns},
			{"-n", hub, "addr", "add", fmt.Sprintf("10.78.%d.1/24", i), "dev", front},
			{"-n", hub, "link", "set", front, "up"},
			{"-n", ns, "addr", "add", fmt.Sprintf("10.78.%d.2/24", i), "dev", "eth1"},
			{"-n", ns, "link", "set", "eth1", "up"},
		}...)
	}
	for _, args := range setup {
		if err := ip(args...); err != nil {
			t.Skipf("namespaces can be made here, and not connected: %v", err)
		}
	}
	enter(t, "/var/run/netns/"+hub)
	return m
}

// enter moves the goroutine of a test to a network namespace, until the test ends. The loops that run on it are there too.
func enter(t *testing.T, name string) {
	t.Helper()
	runtime.LockOSThread()
	before, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer before.Close()
		if err := unix.Setns(int(before.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Errorf("back to the network of the machine: %v", err)
			return // and let the thread end with the goroutine
		}
		runtime.UnlockOSThread()
	})
	to, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := unix.Setns(int(to.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// cut and heal set a node's cable to the others down and up.
func (n *node) cut()  { n.link("down") }
func (n *node) heal() { n.link("up") }

func (n *node) link(state string) {
	n.all.t.Helper()
	prefix, i, _ := strings.Cut(n.ns, "-")
	if err := ip("-n", prefix+"-0", "link", "set", "port"+i, state); err != nil {
		n.all.t.Fatal(err)
	}
}
