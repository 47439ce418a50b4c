package aio_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// FuzzReadUntil sends a stream over a simulated network, which cuts it as it likes, and reads it
// by its separators: nothing may be lost, whatever the limit, and no line may be longer.
func FuzzReadUntil(f *testing.F) {
	f.Add([]byte("one\ntwo\r\nlast"), []byte("\n"), uint16(100), uint64(1))
	f.Add(bytes.Repeat([]byte("x"), 200), []byte("xyx"), uint16(20), uint64(2))
	f.Add([]byte("aabaabaaab"), []byte("aab"), uint16(3), uint64(3))
	f.Fuzz(func(t *testing.T, text, sep []byte, limit uint16, seed uint64) {
		if len(sep) == 0 || len(sep) > 50 || len(text) > 5000 || limit == 0 {
			return
		}
		l := sim.New(seed, sim.Buffer(512)).NewLoop()
		defer leaktest.Close(t, l)
		if err := l.Run(func(task *corolla.Task) error {
			ln, err := aio.Listen(l, "tcp", ":0")
			if err != nil {
				return err
			}
			defer ln.Close()
			l.Go(func(task *corolla.Task) error {
				c, err := ln.Accept(task)
				if err != nil {
					return err
				}
				_, err = c.Write(task, text)
				return errors.Join(err, c.Close())
			})
			c, err := aio.Dial(task, "tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			c.SetLimit(int(limit))
			rest := text
			for {
				line, err := c.ReadUntil(task, sep)
				switch {
				case err == nil:
					if len(line) > int(limit) || !bytes.HasSuffix(line, sep) || bytes.Index(line, sep) != len(line)-len(sep) {
						t.Fatalf("line %q with separator %q and limit %d", line, sep, limit)
					}
				case errors.Is(err, aio.ErrTooLong): // what is there is still there
					line = make([]byte, 1)
					if _, err := c.ReadFull(task, line); err != nil {
						t.Fatalf("after ErrTooLong: %v", err)
					}
					if i := bytes.Index(rest, sep); i >= 0 && i+len(sep) <= int(limit) {
						t.Fatalf("ErrTooLong for %q with limit %d", rest[:i+len(sep)], limit)
					}
				case err == io.EOF || err == io.ErrUnexpectedEOF:
					if !bytes.Equal(line, rest) {
						t.Fatalf("at the end %q, want %q", line, rest)
					}
					return nil
				default:
					return err
				}
				if !bytes.HasPrefix(rest, line) {
					t.Fatalf("read %q, want a part of %q", line, rest)
				}
				rest = rest[len(line):]
			}
		}); err != nil {
			t.Error(err)
		}
	})
}
