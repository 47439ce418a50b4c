package websocket_test

import (
	"fmt"
	"net/http"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// onSim runs an example on a simulated machine, with a server at port 80.
func onSim(h http.HandlerFunc, main func(t *corolla.Task) error) {
	l := sim.New(1).NewLoop() // corolla.New makes a loop on this machine
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:80")
		if err != nil {
			return err
		}
		defer ln.Close()
		serve(l, ln, h)
		return main(t)
	})
	if err != nil {
		fmt.Println(err)
	}
}

// A server that sends back what it hears, and a client that talks to it and closes.
func Example() {
	onSim(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r)
		if err != nil {
			return // the client has its answer
		}
		defer c.CloseNow()
		t := web.Task(r)
		for {
			kind, b, err := c.Receive(t)
			if err != nil {
				fmt.Println("the server:", err)
				return
			}
			if err := c.Write(t, kind, b); err != nil {
				return
			}
		}
	}, func(t *corolla.Task) error {
		c, _, err := websocket.Dial(t, "ws://127.0.0.1/echo")
		if err != nil {
			return err
		}
		defer c.CloseNow()
		if err := c.Write(t, websocket.Text, []byte("Hello, World!")); err != nil {
			return err
		}
		kind, b, err := c.Read(t)
		if err != nil {
			return err
		}
		fmt.Printf("%v: %s\n", kind, b)
		return c.Close(t, websocket.CodeNormal, "that was all")
	})
	// Output:
	// text: Hello, World!
	// the server: websocket: closed by the peer with code 1000: "that was all"
}

// A room: what one says is encoded once, and goes to all who can take it now.
func ExamplePrepare() {
	room := map[*websocket.Conn]bool{}
	onSim(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, websocket.Deflate(200))
		if err != nil {
			return
		}
		defer c.CloseNow()
		room[c] = true
		defer delete(room, c)
		for {
			kind, b, err := c.Receive(web.Task(r))
			if err != nil {
				return
			}
			message := websocket.Prepare(kind, b)
			for other := range room {
				_ = other.TryWritePrepared(message) // whoever is too slow misses it
			}
		}
	}, func(t *corolla.Task) error {
		var guests []*websocket.Conn
		for range 3 {
			c, _, err := websocket.Dial(t, "ws://127.0.0.1/room", websocket.Deflate(200))
			if err != nil {
				return err
			}
			defer c.CloseNow()
			guests = append(guests, c)
		}
		if err := guests[0].Write(t, websocket.Text, []byte("Hello, everybody")); err != nil {
			return err
		}
		for i, c := range guests {
			_, b, err := c.Read(t)
			if err != nil {
				return err
			}
			fmt.Printf("guest %d hears: %s\n", i, b)
		}
		return nil
	})
	// Output:
	// guest 0 hears: Hello, everybody
	// guest 1 hears: Hello, everybody
	// guest 2 hears: Hello, everybody
}
