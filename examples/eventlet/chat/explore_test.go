package main

import (
	"bufio"
	"io"
	"os"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/internal/chattest"
	"github.com/corolla-go/corolla/green"
)

func TestExploreEventletChat(t *testing.T) {
	out := os.Stdout // where the server notes what everybody says
	defer func() { os.Stdout = out }()
	var err error
	if os.Stdout, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Stdout.Close()
	chattest.Chat{Serve: serve, Visit: visit, Gaps: true, Deaf: true, Listen: 1}.Explore(t, 500)
}

func serve(t *corolla.Task) error {
	h := green.NewHub(t.Loop())
	ln, err := h.Listen("tcp", ":3001")
	if err != nil {
		return err
	}
	h.Go(func() error { return h.Serve(ln, chat()) })
	_, err = corolla.NewFuture[int](t.Loop()).Await(t)
	return err
}

// visit talks and listens on green threads.
func visit(t *corolla.Task, r *chattest.Room, v *chattest.Visit) error {
	h := green.NewHub(t.Loop())
	c, err := h.Dial("tcp", "server:3001", corolla.DialTimeout(2*time.Second))
	if err != nil {
		return err
	}
	defer c.Close()
	talker := h.Go(func() error {
		for r.Open() {
			if _, err := io.WriteString(c, r.Says(v)); err != nil {
				return err
			}
			h.Sleep(chattest.Pause)
		}
		return c.Close()
	})
	defer talker.Kill(nil)
	in := bufio.NewScanner(c)
	for in.Scan() {
		r.Hears(v, in.Text())
	}
	return in.Err()
}
