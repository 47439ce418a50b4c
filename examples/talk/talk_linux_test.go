package talk_test

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/talk"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestMain(m *testing.M) {
	talk.Worker()
	os.Exit(m.Run())
}

func needLoop(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNoRowHoldsTheWholeData wants flow control of each row: what is not sent yet stays where
// it is, and is not copied into memory of its own.
func TestNoRowHoldsTheWholeData(t *testing.T) {
	needLoop(t)
	const mib = 32
	for _, row := range talk.Rows {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		results, err := talk.Run(context.Background(), talk.Options{Rows: []talk.Row{row}, MiB: mib, Rate: 1000})
		runtime.ReadMemStats(&after)
		if err != nil || !results[0].OK || !results[0].Verified {
			t.Fatalf("%s: %+v, %v", row.Name, results, err)
		}
		// The data itself is made once.
		if more := (after.TotalAlloc-before.TotalAlloc)>>20 - mib; more > mib/2 {
			t.Errorf("%s allocated %d MiB to send %d", row.Name, more, mib)
		}
	}
}

// TestTheSecondProcessEndsWithItsRow has a server that takes nothing, so that the process
// would stay for ever.
func TestTheSecondProcessEndsWithItsRow(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ended := make(chan error, 1)
	row, _ := talk.Find("processes")
	send := row.Send
	row.Send = func(j *talk.Job) error {
		err := send(j)
		ended <- err
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() {
		_, err := talk.Run(ctx, talk.Options{Rows: []talk.Row{row}, MiB: 64, Sink: ln.Addr().String()})
		ran <- err
	}()
	for range 2 { // the probe, and the process
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	cancel()
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
	if err := <-ended; err == nil || !strings.HasPrefix(err.Error(), "worker: ") {
		t.Errorf("the row ended with %v", err)
	}
}

func TestRowsReachAServerOnIPv6(t *testing.T) {
	needLoop(t)
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				for err == nil {
					_, err = c.Read(buf)
				}
			}()
		}
	}()
	results, err := talk.Run(context.Background(), talk.Options{Rows: talk.Rows, MiB: 1, Sink: ln.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.OK || r.Bytes != 1<<20 {
			t.Errorf("%s sent %d bytes: %s", r.Row, r.Bytes, r.Error)
		}
	}
}
