package main

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/examples/internal/chattest"
)

func TestExploreChat(t *testing.T) {
	chattest.Chat{
		Serve: func(t *corolla.Task) error {
			ln, err := aio.Listen(t.Loop(), "tcp", ":7007")
			if err != nil {
				return err
			}
			return chat(t, ln, func(string, ...any) {})
		},
		Listen: 1,
		Visit:  chattest.Visitor("server:7007"),
	}.Explore(t, 300)
}
