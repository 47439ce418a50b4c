package main

import (
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/corollatest"
	"github.com/corolla-go/corolla/process"
	"github.com/corolla-go/corolla/transport"
)

// clients are programs that people have, and how to start them with a host and a port.
var clients = map[string]func(host, port string) process.Command{
	"telnet": func(host, port string) process.Command {
		return process.Command{Path: "telnet", Args: []string{host, port}}
	},
	"nc": func(host, port string) process.Command {
		return process.Command{Path: "nc", Args: []string{host, port}}
	},
	"bash": func(host, port string) process.Command {
		return process.Command{Path: "bash", Args: []string{"-c", `exec 3<>"/dev/tcp/$0/$1"; cat <&3 & cat >&3; kill %1`, host, port}}
	},
}

// TestRealClients has each client talk with itself: what one says the other hears.
func TestRealClients(t *testing.T) {
	for name, command := range clients {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(command("", "").Path); err != nil {
				t.Skipf("%s is not installed", name)
			}
			l, err := corolla.New(corolla.SlowLimit(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Run(func(task *corolla.Task) error { return talk(task, command) }); err != nil {
				t.Error(err)
			}
			corollatest.Close(t, l)
		})
	}
}

func talk(t *corolla.Task, command func(host, port string) process.Command) error {
	srv, err := transport.Serve(t.Loop(), "tcp", "127.0.0.1:0", new(room).build)
	if err != nil {
		return err
	}
	defer srv.Close()
	host, port, err := net.SplitHostPort(srv.Addr().String())
	if err != nil {
		return err
	}
	var both [2]*process.Process
	for i, name := range []string{"Ann", "Bob"} {
		cmd := command(host, port)
		cmd.Stdin, cmd.Stdout, cmd.Group = process.Pipe, process.Pipe, true
		p, err := process.Start(t, cmd)
		if err != nil {
			return err
		}
		defer p.Close()
		if both[i] = p; say(t, p, name, "name?") != nil || say(t, p, "", "Welcome, "+name+"!") != nil {
			return say(t, p, "", "Welcome")
		}
	}
	if err := say(t, both[0], "hello", ""); err != nil {
		return err
	}
	if err := say(t, both[1], "", "<Ann> hello"); err != nil {
		return err
	}
	for _, p := range both {
		_ = p.Kill() // or it has ended
		_ = p.Wait(t)
	}
	for srv.Conns() > 0 {
		if err := t.Sleep(time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// say waits until a client shows some words, and then types a line. Either may be empty.
func say(t *corolla.Task, p *process.Process, line, shows string) error {
	return t.Timeout(20*time.Second, func(*corolla.Scope) error {
		if shows != "" {
			if _, err := p.Stdout.ReadUntil(t, []byte(shows)); err != nil {
				return err
			}
		}
		if line == "" {
			return nil
		}
		_, err := p.Stdin.Write(t, []byte(line+"\n"))
		return err
	})
}
