package asyncio

import (
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/conformance/scenario"
)

// line reads a line, or what there is of it at the end of the stream.
func line(t *corolla.Task, c *aio.Conn) (string, error) {
	b, err := c.ReadUntil(t, []byte("\n"))
	if corolla.IsOnly(err, errEnds...) {
		err = nil
	}
	return strings.TrimSpace(string(b)), err
}

type saying struct {
	pause time.Duration
	text  string
}

func mixServerTimeouts(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		listener, err := aio.Listen(t.Loop(), "unix", newAddress())
		if err != nil {
			return err
		}
		serving := t.Loop().Go(aio.NewServer(listener, func(t *corolla.Task, c *aio.Conn) error {
			name, _ := line(t, c)
			var said string
			err := t.Timeout(30*ms, func(*corolla.Scope) (err error) {
				said, err = line(t, c)
				return err
			})
			if err != nil {
				r.Say("%s is too slow", name)
				write(t, c, "too late\n")
				return nil
			}
			if said == "" {
				said = "no more"
			}
			r.Say("%s says %s", name, said)
			write(t, c, "thanks\n")
			return nil
		}).Serve)
		client := func(name string, script ...saying) func(t *corolla.Task) error {
			return func(t *corolla.Task) error {
				c, err := aio.Dial(t, "unix", listener.Addr().String())
				if err != nil {
					return err
				}
				defer c.Close()
				for _, s := range script {
					_ = t.Sleep(s.pause)
					write(t, c, s.text)
				}
				if name == "gone" {
					_ = c.CloseWrite()
				}
				heard, err := line(t, c)
				r.Say("%s hears %s", name, heard)
				return err
			}
		}
		err = t.Timeout(1000*ms, func(*corolla.Scope) error {
			return t.Group(func(g *corolla.Group) error {
				g.Go(client("quick", saying{1 * ms, "quick\n"}, saying{1 * ms, "hello\n"}))
				g.Go(client("slow", saying{4 * ms, "slow\n"}, saying{10 * ms, "hel"}, saying{10 * ms, "lo\n"}))
				g.Go(client("silent", saying{7 * ms, "silent\n"}))
				g.Go(client("gone", saying{12 * ms, "gone\n"}))
				return nil
			})
		})
		serving.Cancel(nil)
		r.Say("end")
		return err
	})
}
