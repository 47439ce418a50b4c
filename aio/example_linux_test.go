package aio_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// An http.Server, which knows nothing of loops, serves on a loop's listener. Its handlers run on
// net/http's goroutines, so they must not touch what belongs to the loop, as this one does not. For
// handlers that do there are package web, and its OnLoop where it has to be an http.Server.
func ExampleListener_NetListener() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	there := ln.NetListener()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s, by way of the loop", r.URL.Path)
	}), ReadHeaderTimeout: time.Minute}
	answer := make(chan string, 1)
	go func() { // the library's goroutines, not the loop's
		go srv.Serve(there)
		answer <- get("http://" + there.Addr().String() + "/hello")
		srv.Shutdown(context.Background())
		l.Post(l.Stop)
	}()
	fmt.Println(l.RunForever())
	fmt.Println(<-answer)
	// Output:
	// <nil>
	// /hello, by way of the loop
}

func get(url string) string {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// A proxy is a splice each way: the bytes do not come into the program.
func ExampleSplice() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	err = l.Run(func(t *corolla.Task) error {
		origin, err := serve(t, func(t *corolla.Task, c *aio.Conn) error {
			_, err := c.Write(t, []byte("from far away"))
			return err
		})
		if err != nil {
			return err
		}
		proxy, err := serve(t, func(t *corolla.Task, c *aio.Conn) error {
			far, err := aio.Dial(t, "tcp", origin.String())
			if err != nil {
				return err
			}
			defer far.Close()
			return t.Group(func(g *corolla.Group) error {
				for _, way := range [][2]*aio.Conn{{far, c}, {c, far}} {
					g.Go(func(t *corolla.Task) error {
						if _, err := way[1].SpliceTo(t, way[0]); err != nil {
							return err
						}
						return way[0].CloseWrite()
					})
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		c, err := aio.Dial(t, "tcp", proxy.String())
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.CloseWrite(); err != nil { // nothing to ask
			return err
		}
		b, err := io.ReadAll(c.Bind(t))
		fmt.Printf("%s\n", b)
		return err
	})
	fmt.Println(err)
	// Output:
	// from far away
	// <nil>
}

// serve starts a server in a task of its own, and returns where it is.
func serve(t *corolla.Task, handle func(*corolla.Task, *aio.Conn) error) (net.Addr, error) {
	ln, err := aio.Listen(t.Loop(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t.Loop().Go(func(t *corolla.Task) error { return aio.NewServer(ln, handle).Serve(t) })
	return ln.Addr(), nil
}

// An open file goes to whoever is at the other end of a Unix socket.
func ExampleConn_WriteFiles() {
	dir, err := os.MkdirTemp("", "corolla")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	err = l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "unix", filepath.Join(dir, "socket"))
		if err != nil {
			return err
		}
		defer ln.Close()
		a, err := aio.Dial(t, "unix", ln.Addr().String())
		if err != nil {
			return err
		}
		defer a.Close()
		b, err := ln.Accept(t)
		if err != nil {
			return err
		}
		defer b.Close()
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		if err := a.WriteFiles(t, []byte("for you"), w); err != nil {
			return err
		}
		w.Close() // the receiver has its own
		buf := make([]byte, 64)
		n, files, err := b.ReadFiles(t, buf)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d file\n", buf[:n], len(files))
		fmt.Fprint(files[0], "written by the receiver")
		files[0].Close()
		text, err := io.ReadAll(r)
		fmt.Printf("%s\n", text)
		return err
	})
	fmt.Println(err)
	// Output:
	// for you: 1 file
	// written by the receiver
	// <nil>
}
