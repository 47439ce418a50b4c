package eventlet

import (
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

func secondReader(r run) error {
	client, peer, err := r.pair()
	if err != nil {
		return err
	}
	defer client.Close()
	defer peer.Close()
	reader := r.Go(func() error {
		r.Say("read %s", read(client))
		return nil
	})
	r.Sleep(10 * ms)
	if _, err := client.Read(make([]byte, 5)); errors.Is(err, corolla.ErrBusy) {
		r.Say("second reader: refused")
	}
	if _, err := io.WriteString(client, "ping"); err != nil {
		return err
	}
	r.Say("peer got %s", read(peer))
	if _, err := io.WriteString(peer, "pong"); err != nil {
		return err
	}
	return reader.Join()
}

func socketTimeout(r run) error {
	client, peer, err := r.pair()
	if err != nil {
		return err
	}
	defer client.Close()
	defer peer.Close()
	if err := client.SetReadDeadline(r.Hub.Loop().Time().Add(10 * ms)); err != nil {
		return err
	}
	if _, err := client.Read(make([]byte, 5)); errors.Is(err, os.ErrDeadlineExceeded) {
		r.Say("timeout: yes")
	}
	if err := client.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if _, err := io.WriteString(peer, "late"); err != nil {
		return err
	}
	r.Say("read %s", read(client))
	return nil
}

func closeUnderReader(r run) error {
	client, peer, err := r.pair()
	if err != nil {
		return err
	}
	defer peer.Close()
	reader := r.Go(func() error {
		r.Say("reader: %s", read(client))
		return nil
	})
	r.Sleep(10 * ms)
	client.Close()
	r.Sleep(10 * ms)
	r.Say("reader done: %s", python(reader.Dead()))
	reader.Kill(nil)
	r.Say("end")
	return nil
}

func halfClose(r run) error {
	client, peer, err := r.pair()
	if err != nil {
		return err
	}
	defer client.Close()
	th := r.Go(func() error {
		said, err := io.ReadAll(peer)
		if err != nil {
			return err
		}
		r.Say("server read %s", said)
		r.Sleep(10 * ms)
		_, err = io.WriteString(peer, "answer")
		return err
	})
	if _, err := io.WriteString(client, "question"); err != nil {
		return err
	}
	if err := client.CloseWrite(); err != nil {
		return err
	}
	r.Say("client read %s", read(client))
	if err := th.Join(); err != nil {
		return err
	}
	peer.Close()
	r.Say("then %d bytes", len(read(client)))
	return nil
}

// ask sends a line and says what comes back until the server closes.
func (r run) ask(ln *green.Listener, line string) error {
	c, err := r.Dial("tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, line); err != nil {
		return err
	}
	got, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	if len(got) == 0 {
		got = []byte("nothing")
	}
	r.Say("client got %s", got)
	return nil
}

func serveStop(r run) error {
	ln, err := r.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	serving := r.Go(func() error {
		return r.Serve(ln, func(c *green.Conn) error {
			line := read(c)
			r.Say("server read %s", line)
			if line == "stop" {
				return green.ErrStopServe
			}
			_, err := io.WriteString(c, strings.ToUpper(line))
			return err
		})
	})
	for _, line := range []string{"hello", "again"} {
		if err := r.ask(ln, line); err != nil {
			return err
		}
	}
	c, err := r.Dial("tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "stop"); err != nil {
		return err
	}
	r.Say("serve gave %s", outcome(serving))
	return nil
}

func serveError(r run) error {
	ln, err := r.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	serving := r.Go(func() error {
		return r.Serve(ln, func(c *green.Conn) error {
			line := read(c)
			r.Say("server read %s", line)
			if line == "bad" {
				return errBoom
			}
			_, err := io.WriteString(c, "fine")
			return err
		})
	})
	for _, line := range []string{"good", "bad"} {
		if err := r.ask(ln, line); err != nil {
			return err
		}
	}
	r.Sleep(10 * ms)
	r.Say("serving: %s", python(!serving.Dead()))
	if serving.Dead() {
		r.Say("serve gave %s", outcome(serving))
		return nil
	}
	return r.ask(ln, "good")
}
