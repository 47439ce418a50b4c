package compat_test

import (
	"crypto/ed25519"
	"errors"
	"net"

	"golang.org/x/crypto/ssh"
)

// sshServer answers one session on a connection: it runs nothing, and says "ready" once it is.
func sshServer(c net.Conn, cfg *ssh.ServerConfig, ready <-chan struct{}) error {
	conn, channels, requests, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	done := make(chan struct{})
	go func() { defer close(done); ssh.DiscardRequests(requests) }()
	defer func() { <-done }()
	for wanted := range channels {
		session, requests, err := wanted.Accept()
		if err != nil {
			return err
		}
		for r := range requests {
			if err := r.Reply(true, nil); err != nil {
				return err
			}
			<-ready
			_, err := session.Write([]byte("ready"))
			_, status := session.SendRequest("exit-status", false, make([]byte, 4))
			if err := errors.Join(err, status, session.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

func sshClient(c net.Conn) error {
	conn, channels, requests, err := ssh.NewClientConn(c, "server.test", &ssh.ClientConfig{
		User: "ada", HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the host is the test
	})
	if err != nil {
		return errors.Join(err, c.Close())
	}
	client := ssh.NewClient(conn, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	text, err := session.Output("anything")
	return wantText("ready", text, err)
}

// sshOnFace shows why: its connections read and write on goroutines, at both ends.
func sshOnFace(e *env) error {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return err
	}
	cfg := &ssh.ServerConfig{NoClientAuth: true}
	cfg.AddHostKey(signer)
	s := newStrangers(e)

	ready := make(chan struct{})
	address, wait := e.outsider(func(c net.Conn) error {
		if err := sshServer(c, cfg, ready); err == nil {
			return errors.New("the client came through on a green connection")
		}
		return nil
	})
	th := e.Go(func() error {
		c, err := s.dial(e.Context(), "tcp", address)
		if err != nil {
			return err
		}
		_ = sshClient(c) // it has an error: see the other side
		return nil
	})
	s.wantRefused()
	if err := th.Join(); err != nil {
		return err
	}
	wait()

	accepted, wait, err := e.visited(func(address string) error {
		c, err := outside(e.Loop())(e.Context(), "tcp", address)
		if err != nil {
			return err
		}
		return sshClient(c)
	})
	if err != nil {
		return err
	}
	e.behind(opens(ready))
	face := accepted.AIO().NetConn()
	err = e.elsewhere(func() error { return sshServer(face, cfg, ready) })
	wait()
	return err
}
