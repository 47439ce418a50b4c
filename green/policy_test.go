package green_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// A listener's options hold for the connections of threads: their rate, their time, their log.
func TestPoliciesOfThreads(t *testing.T) {
	eachHub(t, func(e *env) error {
		const rate, size = 500_000, 100_000
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		ln, err := e.Listen("tcp", "127.0.0.1:0",
			corolla.Throttle(0, rate), corolla.IdleTimeout(50*time.Millisecond), corolla.LogTraffic(log, corolla.AsHex, 4))
		if err != nil {
			return err
		}
		peer, err := e.Dial("tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		began := e.Loop().Now()
		if _, err := c.Write(make([]byte, size)); err != nil {
			return err
		}
		if _, err := io.ReadFull(peer, make([]byte, size)); err != nil {
			return err
		}
		if took := e.Loop().Now() - began; took < 100*time.Millisecond {
			e.Errorf("%d bytes at %d B/s took %v", size, rate, took)
		}
		_, err = c.Read(make([]byte, 1))
		var late net.Error
		if !errors.As(err, &late) || !late.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("a read on a connection that is idle: %v", err)
		}
		if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			e.Errorf("its peer reads %d bytes, %v", n, err)
		}
		for _, want := range []string{"msg=open", "bytes=65536 data=00000000 more=65532", "msg=close", "written=100000"} {
			if !strings.Contains(text.String(), want) {
				e.Errorf("the log does not say %q:\n%s", want, &text)
			}
		}
		return errors.Join(c.Close(), peer.Close(), ln.Close())
	})
}
