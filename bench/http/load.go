package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/bench/internal/httpwork"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

// playLoad makes half of the exchanges, to warm the server up, and then all of them, when told to.
// Half is much, but Node compiles only what has run often.
func playLoad(args []string) error {
	if len(args) != 4 {
		return errors.New("want the work, connections, exchanges and an address")
	}
	w, err := findWork(args[0])
	if err != nil {
		return err
	}
	conns, err1 := strconv.Atoi(args[1])
	exchanges, err2 := strconv.Atoi(args[2])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if err := httpwork.Await(args[3]); err != nil {
		return err
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	ld, err := newLoad(l, w, conns, args[3])
	if err != nil {
		return err
	}
	if err := ld.make(max(exchanges/2, 1)); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	fmt.Println("ready")
	if err := turns.Heard("go"); err != nil {
		return err
	}
	start := time.Now()
	if err := ld.make(exchanges); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(ld.seen(time.Since(start)))
}

// newLoad returns a load that is connected, and ready for its first exchange.
func newLoad(l *corolla.Loop, w work, conns int, addr string) (*load, error) {
	ld := &load{loop: l}
	if w.socket() {
		if err := ld.connect(addr, conns, func() replies { return &httpwork.Frames{} }); err != nil {
			return nil, err
		}
		ld.request = httpwork.Handshake(w.path)
		if err := ld.make(conns); err != nil {
			return nil, fmt.Errorf("shake hands: %w", err)
		}
		ld.request = httpwork.Message()
		if w.toAll() {
			ld.joinAll()
		}
		return ld, nil
	}
	body, err := httpwork.Body(w.path)
	if err != nil {
		return nil, err
	}
	if err := check("http://"+addr+w.path, body); err != nil {
		return nil, err
	}
	ld.request = bytes.Repeat(httpwork.Request(w.path), w.depth)
	err = ld.connect(addr, conns, func() replies { return httpwork.NewAnswers(len(body)) })
	for _, x := range ld.exchanges {
		x.answers = w.depth
	}
	return ld, err
}

// check compares one answer byte by byte. Later only status and length are looked at.
func check(url string, want []byte) error {
	defer http.DefaultClient.CloseIdleConnections()
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("get %s: %w", url, err)
	}
	if answer.StatusCode != http.StatusOK || !bytes.Equal(body, want) {
		return fmt.Errorf("get %s: %s, and not the answer of all servers, but %.100q", url, answer.Status, body)
	}
	return nil
}
