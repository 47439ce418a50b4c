package twisted

import (
	"strconv"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

func mixLinesAndDeferreds(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		h := &messages{r: r, kind: "line", closed: true}
		h.message = func(c *transport.Receiver, line string) {
			c.PauseReading()
			takes, _ := strconv.Atoi(line)
			deferred.Later(t.Loop(), time.Duration(takes)*ms, none).AddCallback(func(v struct{}) (struct{}, error) {
				r.Say("worked on %s", line)
				_ = c.Write([]byte("done " + line + "\r\n"))
				c.ResumeReading()
				return v, nil
			})
		}
		client := quiet(r, "client")
		connect(t, transport.NewReceiver(&framing.Lines{Delimiter: "\r\n"}, h), client)
		_ = client.Write([]byte("30\r\n20\r\n"))
		_ = t.Sleep(25 * ms)
		_ = client.Write([]byte("40\r\n"))
		_ = t.Sleep(50 * ms)
		client.CloseWrite()
		r.Say("client has said all")
		_ = t.Sleep(50 * ms)
		client.sayAll()
		return nil
	})
}
