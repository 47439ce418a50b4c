package green_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/rpc"
	"net/rpc/jsonrpc"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/sim"
)

// onSim runs an example on a simulated machine. A program has green.Main instead.
func onSim(main func(h *green.Hub) error) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	if err := h.Run(func() error { return main(h) }); err != nil {
		fmt.Println(err)
	}
}

func Example() {
	onSim(func(h *green.Hub) error {
		th := h.Go(func() error {
			for i := range 2 {
				fmt.Println("thread", i)
				h.Sleep(time.Second)
			}
			return nil
		})
		fmt.Println("main")
		return th.Join()
	})
	// Output:
	// main
	// thread 0
	// thread 1
}

func ExampleGo() {
	onSim(func(h *green.Hub) error {
		user := green.Go(h, func() (string, error) { h.Sleep(time.Second); return "Ada", nil })
		orders := green.Go(h, func() (int, error) { h.Sleep(time.Second); return 3, nil })
		name, err1 := user.Wait()
		n, err2 := orders.Wait()
		fmt.Println(name, n, err1, err2)
		return nil
	})
	// Output: Ada 3 <nil> <nil>
}

func ExampleHub_Timeout() {
	onSim(func(h *green.Hub) error {
		err := h.Timeout(5*time.Second, func() error {
			defer fmt.Println("deferred")
			h.Sleep(time.Hour)
			return nil
		})
		fmt.Println(err)
		return nil
	})
	// Output:
	// deferred
	// timed out after 5s
}

// A thread that does something from time to time, and no check for errors.
func ExampleThread_Kill() {
	onSim(func(h *green.Hub) error {
		reporter := h.Go(func() error {
			defer fmt.Println("no more reports")
			for {
				h.Sleep(10 * time.Second)
				fmt.Println("report")
			}
		})
		h.Sleep(25 * time.Second)
		reporter.Kill(nil)
		fmt.Println(reporter.Join())
		return nil
	})
	// Output:
	// report
	// report
	// no more reports
	// green: the thread was killed
}

func ExampleMap() {
	onSim(func(h *green.Hub) error {
		pool := green.NewPool(h, 200)
		words := slices.Values([]string{"crawl", "", "map"})
		for n, err := range green.Map(pool, words, func(word string) (int, error) {
			h.Sleep(time.Second)
			if word == "" {
				return 0, io.ErrUnexpectedEOF
			}
			return len(word), nil
		}) {
			fmt.Println(n, err)
		}
		return nil
	})
	// Output:
	// 5 <nil>
	// 0 unexpected EOF
	// 3 <nil>
}

// What takes a task takes that of the running thread: there are no other queues for green code.
func ExampleHub_Task() {
	onSim(func(h *green.Hub) error {
		q := corolla.NewQueue[int](100)
		for worker := range 2 {
			h.Go(func() error {
				for {
					job, err := q.Get(h.Task())
					if err != nil {
						return err
					}
					h.Sleep(time.Duration(job) * time.Second)
					fmt.Println("worker", worker, "did", job)
					q.TaskDone()
				}
			})
		}
		for job := range 4 {
			if err := q.Put(h.Task(), job+1); err != nil {
				return err
			}
		}
		return q.Join(h.Task())
	})
	// Output:
	// worker 0 did 1
	// worker 1 did 2
	// worker 0 did 3
	// worker 1 did 4
}

func ExampleOffload() {
	onSim(func(h *green.Hub) error {
		sum, err := green.Offload(h, func() (int, error) { return 40 + 2, nil }) // on another goroutine
		fmt.Println(sum, err)
		return nil
	})
	// Output: 42 <nil>
}

// server listens, serves in a thread, and returns its address.
func server(h *green.Hub, handle func(c *green.Conn) error) string {
	ln, err := h.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	h.Go(func() error { return h.Serve(ln, handle) })
	return ln.Addr().String()
}

// bufio, and whatever else reads and writes in the goroutine that calls, works on a Conn as it is.
func ExampleConn_bufio() {
	onSim(func(h *green.Hub) error {
		addr := server(h, func(c *green.Conn) error {
			for in := bufio.NewScanner(c); in.Scan(); {
				if _, err := fmt.Fprintln(c, strings.ToUpper(in.Text())); err != nil {
					return err
				}
			}
			return nil
		})
		c, err := h.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		rw := bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
		fmt.Fprintln(rw, "hello")
		fmt.Fprintln(rw, "green world")
		if err := rw.Flush(); err != nil {
			return err
		}
		for range 2 {
			line, err := rw.ReadString('\n')
			if err != nil {
				return err
			}
			fmt.Print(line)
		}
		return nil
	})
	// Output:
	// HELLO
	// GREEN WORLD
}

func ExampleConn_textproto() {
	onSim(func(h *green.Hub) error {
		addr := server(h, func(c *green.Conn) error {
			tp := textproto.NewConn(c)
			if err := tp.PrintfLine("200 ready"); err != nil {
				return err
			}
			line, err := tp.ReadLine()
			if err != nil {
				return err
			}
			return tp.PrintfLine("211 you said %q", line)
		})
		c, err := h.Dial("tcp", addr)
		if err != nil {
			return err
		}
		tp := textproto.NewConn(c)
		defer tp.Close()
		_, ready, err := tp.ReadResponse(200)
		if err != nil {
			return err
		}
		id, err := tp.Cmd("GROUP %s", "comp.lang.go")
		if err != nil {
			return err
		}
		tp.StartResponse(id)
		defer tp.EndResponse(id)
		_, answer, err := tp.ReadResponse(211)
		fmt.Println(ready)
		fmt.Println(answer)
		return err
	})
	// Output:
	// ready
	// you said "GROUP comp.lang.go"
}

// smtp.NewClient takes a connection, so it never dials itself. Its StartTLS would use tls.Client, which
// must not have a Conn: call Conn.ClientTLS, or dial with DialTLS.
func ExampleConn_smtp() {
	onSim(func(h *green.Hub) error {
		addr := server(h, mailbox)
		c, err := h.Dial("tcp", addr)
		if err != nil {
			return err
		}
		client, err := smtp.NewClient(c, "mail.test")
		if err != nil {
			return err
		}
		defer client.Close()
		if err := client.Mail("ada@mail.test"); err != nil {
			return err
		}
		if err := client.Rcpt("bob@mail.test"); err != nil {
			return err
		}
		w, err := client.Data()
		if err != nil {
			return err
		}
		fmt.Fprint(w, "Subject: green\r\n\r\nNo goroutine was needed.\r\n")
		if err := w.Close(); err != nil {
			return err
		}
		return client.Quit()
	})
	// Output:
	// EHLO
	// MAIL
	// RCPT
	// DATA
	// "Subject: green\n\nNo goroutine was needed.\n"
	// QUIT
}

// mailbox is just enough of an SMTP server.
func mailbox(c *green.Conn) error {
	tp := textproto.NewConn(c)
	answer := "220 ready"
	for {
		if err := tp.PrintfLine("%s", answer); err != nil {
			return err
		}
		line, err := tp.ReadLine()
		if err != nil {
			return err
		}
		verb, _, _ := strings.Cut(line, " ")
		fmt.Println(verb)
		switch answer = "250 ok"; verb {
		case "DATA":
			if err := tp.PrintfLine("354 go on"); err != nil {
				return err
			}
			text, err := tp.ReadDotBytes()
			if err != nil {
				return err
			}
			fmt.Printf("%q\n", text)
		case "QUIT":
			return tp.PrintfLine("221 bye")
		}
	}
}

// Arith is a service of the example.
type Arith struct{}

// Multiply is called by the client.
func (Arith) Multiply(args [2]int, reply *int) error { *reply = args[0] * args[1]; return nil }

// The codecs of net/rpc work on a Conn, and so does a server that answers one request at a time.
// rpc.Client and Server.ServeConn start goroutines: they would need what AIO().NetConn() returns.
func ExampleConn_rpc() {
	onSim(func(h *green.Hub) error {
		services := rpc.NewServer()
		if err := services.Register(Arith{}); err != nil {
			return err
		}
		addr := server(h, func(c *green.Conn) error {
			codec := jsonrpc.NewServerCodec(c)
			for {
				if err := services.ServeRequest(codec); err != nil {
					return err
				}
			}
		})
		c, err := h.Dial("tcp", addr)
		if err != nil {
			return err
		}
		codec := jsonrpc.NewClientCodec(c)
		defer codec.Close()
		request := rpc.Request{ServiceMethod: "Arith.Multiply", Seq: 1}
		if err := codec.WriteRequest(&request, [2]int{6, 7}); err != nil {
			return err
		}
		var response rpc.Response
		var product int
		if err := codec.ReadResponseHeader(&response); err != nil {
			return err
		}
		if err := codec.ReadResponseBody(&product); err != nil {
			return err
		}
		fmt.Println(response.ServiceMethod, product)
		return nil
	})
	// Output: Arith.Multiply 42
}
