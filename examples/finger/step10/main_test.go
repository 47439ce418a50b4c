package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
	"github.com/corolla-go/corolla/service"
)

func TestItReadsTheFileAgain(t *testing.T) {
	fingertest.OnBoth(t, func(t *testing.T, task *corolla.Task) error {
		people := &users{path: filepath.Join(t.TempDir(), "users")}
		write := func(text string) error { return os.WriteFile(people.path, []byte(text), 0o600) }
		if err := write("ada: counting\nno colon\n  alan : a run: long\n"); err != nil {
			return err
		}
		names := newServer("names", "tcp:0:interface=127.0.0.1", finger{people})
		file := service.NewTimer("file", time.Millisecond, people.read)
		return fingertest.Served(task, service.NewTree("finger", file, names), func() error {
			for err := error(nil); len(people.status) != 2; err = task.Sleep(time.Millisecond) {
				if err != nil {
					return err
				}
			}
			err := fingertest.Wants(t, task, names.Addr().String(), map[string]string{"ada\r\n": "counting\r\n", "alan\r\n": "a run: long\r\n", "no colon\r\n": "no such user\r\n"})
			if err := errors.Join(err, write("eve: new\n")); err != nil {
				return err
			}
			for err := error(nil); people.status["eve"] != "new"; err = task.Sleep(time.Millisecond) {
				if err != nil {
					return err
				}
			}
			return fingertest.Wants(t, task, names.Addr().String(), map[string]string{"ada\r\n": "no such user\r\n", "eve\r\n": "new\r\n"})
		})
	})
}
