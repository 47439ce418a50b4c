package program

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web"
)

const (
	upgradeTimeout = 30 * time.Second // for the upstream's answer
	partingTimeout = 30 * time.Second // for the second side to end its stream
	maxUpgradeHead = 64 << 10         // bytes
)

// upgrade asks the upstream for another protocol, and if it agrees relays what both sides say.
func (f *forwarder) upgrade(w http.ResponseWriter, r *http.Request, protocol string) {
	t := web.Task(r)
	var far *aio.Conn
	var answer *http.Response
	err := t.Timeout(upgradeTimeout, func(*corolla.Scope) (err error) {
		if far, err = f.dial(t); err != nil {
			return err
		}
		answer, err = f.ask(t, far, r, protocol)
		return err
	})
	if far != nil {
		defer func() { _ = far.Abort() }() // unless it is closed by then
	}
	switch {
	case err != nil:
		f.fail(w, r, err)
	case answer.StatusCode != http.StatusSwitchingProtocols:
		f.answer(w, answer)
	case !strings.EqualFold(upgradeOf(answer.Header), protocol):
		f.fail(w, r, fmt.Errorf("it changes to %q, and was asked for %q", upgradeOf(answer.Header), protocol))
	default:
		if err := relay(t, w, far, answer); err != nil {
			f.log.Warn("relay", "path", r.URL.Path, "error", err)
		}
	}
}

func (f *forwarder) dial(t *corolla.Task) (*aio.Conn, error) {
	if f.upstream.Scheme == "https" {
		return aio.DialTLS(t, "tcp", f.address(), nil)
	}
	return aio.Dial(t, "tcp", f.address())
}

// ask sends the request, and returns the answer without what follows it.
func (f *forwarder) ask(t *corolla.Task, far *aio.Conn, r *http.Request, protocol string) (*http.Response, error) {
	out := f.outgoing(r)
	out.Header.Set("Connection", "Upgrade")
	out.Header.Set("Upgrade", protocol)
	var text bytes.Buffer
	if err := out.Write(&text); err != nil {
		return nil, err
	}
	if _, err := far.Write(t, text.Bytes()); err != nil {
		return nil, err
	}
	far.SetLimit(maxUpgradeHead)
	for {
		head, err := far.ReadUntil(t, []byte("\r\n\r\n"))
		if err != nil {
			return nil, err
		}
		rest := io.MultiReader(bytes.NewReader(bytes.Clone(head)), far.Bind(t))
		answer, err := http.ReadResponse(bufio.NewReaderSize(rest, len(head)), out)
		if err != nil || answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			return answer, err
		}
	}
}

// relay passes on the answer and then, in a task for each direction, what both sides say.
func relay(t *corolla.Task, w http.ResponseWriter, far *aio.Conn, answer *http.Response) error {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	g, ok := c.(*green.Conn)
	if !ok {
		return errors.Join(fmt.Errorf("the server's connections are %T", c), c.Close())
	}
	near := g.AIO()
	defer func() { _ = near.Abort() }() // unless it is closed by then
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/1.1 %s\r\n", answer.Status)
	_ = answer.Header.Write(&head) // a bytes.Buffer never fails
	head.WriteString("\r\n")
	if _, err := near.Write(t, head.Bytes()); err != nil {
		return nil // the client has gone
	}
	ahead, _ := rw.Reader.Peek(rw.Reader.Buffered()) // it is there
	if _, err := far.Write(t, ahead); err != nil {
		return err
	}
	var late *corolla.Timer
	err = t.Group(func(g *corolla.Group) error {
		for _, way := range [][2]*aio.Conn{{near, far}, {far, near}} {
			g.Go(func(t *corolla.Task) error {
				if _, err := aio.Copy(t, way[1], way[0]); err != nil {
					return err
				}
				if late == nil {
					late = t.Loop().After(partingTimeout, func() { g.Cancel(nil) })
				}
				return way[1].CloseWrite()
			})
		}
		return nil
	})
	if late != nil {
		late.Stop()
	}
	if err != nil {
		return nil // one side has gone, which the other sees by the reset
	}
	return errors.Join(near.Close(), far.Close())
}
