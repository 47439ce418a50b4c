package transporttest_test

import (
	"fmt"
	"time"

	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
	"github.com/corolla-go/corolla/transport/transporttest"
)

// greeter asks for a name, and has no patience.
type greeter struct{}

func newGreeter(*transport.Conn) transport.Protocol {
	return transport.NewReceiver(&framing.Lines{}, greeter{})
}

func (greeter) Opened(r *transport.Receiver) {
	_ = r.Write([]byte("name?\r\n"))
	r.SetIdleTimeout(time.Minute)
}

func (greeter) Message(r *transport.Receiver, name []byte) {
	_ = r.Write(fmt.Appendf(nil, "hello, %s\r\n", name))
}

func (greeter) Closed(_ *transport.Receiver, err error) { fmt.Println("closed:", err) }

// A protocol is told what the test feeds it, in pieces as the test likes, and what it sends can be looked at. In a
// test, New is given the testing.T.
func Example() {
	p := transporttest.New(nil, newGreeter)
	defer p.Close()
	fmt.Printf("%q\n", p.Sent())
	p.Feed("Ann\r\nBo")
	fmt.Printf("%q\n", p.Sent())
	p.Feed("b\r\n")
	fmt.Printf("%q\n", p.Sent())
	p.Advance(time.Minute) // which takes no time
	fmt.Println(p.Ended())
	// Output:
	// "name?\r\n"
	// "hello, Ann\r\n"
	// "hello, Bob\r\n"
	// closed: timed out after 1m0s
	// EOF
}

// A protocol must not care how the stream is cut on its way.
func ExampleSplits() {
	for pieces := range transporttest.Splits("Ann\r\n") {
		p := transporttest.New(nil, func(c *transport.Conn) transport.Protocol {
			return transport.NewReceiver(&framing.Lines{}, quiet{})
		})
		for _, piece := range pieces {
			p.Feed(piece)
		}
		if got := p.Sent(); got != "name?\r\nhello, Ann\r\n" {
			fmt.Printf("in pieces %q: %q\n", pieces, got)
		}
		p.Close()
	}
	// Output:
}

// quiet is a greeter that says nothing of its end.
type quiet struct{ greeter }

func (quiet) Closed(*transport.Receiver, error) {}
