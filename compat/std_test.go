package compat_test

import (
	"bufio"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
	"net/smtp"
	"net/textproto"
	"strings"

	"github.com/corolla-go/corolla/green"
)

// outsider listens beside the loop, and handles one connection on a goroutine.
func (e *env) outsider(handle func(c net.Conn) error) (address string, wait func()) {
	e.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.Fatal(err)
	}
	return ln.Addr().String(), e.side(func() error {
		defer ln.Close()
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		defer c.Close()
		return handle(c)
	})
}

// visited listens on the loop, and returns the connection of a client that is on a goroutine.
func (e *env) visited(client func(address string) error) (c *green.Conn, wait func(), err error) {
	ln, err := e.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	address := ln.Addr().String()
	wait = e.side(func() error { return client(address) })
	accepted, err := ln.Accept()
	if err != nil {
		return nil, nil, err
	}
	return accepted.(*green.Conn), wait, nil
}

func streamsOnGreen(e *env) error {
	ready := make(chan struct{})
	address, wait := e.outsider(func(c net.Conn) error {
		in := bufio.NewReader(c)
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		<-ready
		var n int
		return errors.Join(
			func() error { _, err := io.WriteString(c, strings.ToUpper(line)); return err }(),
			json.NewEncoder(c).Encode([]string{line}),
			gob.NewDecoder(in).Decode(&n),
			gob.NewEncoder(c).Encode(n+1),
		)
	})
	c, err := e.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintln(c, "hello")
	e.behind(opens(ready))
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	if line != "HELLO\n" || err != nil {
		e.Errorf("ReadString = %q, %v", line, err)
	}
	line, err = in.ReadString('\n')
	var words []string
	if err := errors.Join(err, json.Unmarshal([]byte(line), &words)); err != nil || len(words) != 1 || words[0] != "hello\n" {
		e.Errorf("from JSON: %q, %v", words, err)
	}
	var n int
	if err := errors.Join(gob.NewEncoder(c).Encode(41), gob.NewDecoder(in).Decode(&n)); n != 42 || err != nil {
		e.Errorf("from gob: %d, %v", n, err)
	}
	wait()
	return nil
}

// postOffice is just enough of an SMTP server. It answers a letter when ready is closed.
func postOffice(c *textproto.Conn, ready func() <-chan struct{}) error {
	answer := "220 ready"
	for {
		if err := c.PrintfLine("%s", answer); err != nil {
			return err
		}
		line, err := c.ReadLine()
		if err != nil {
			return err
		}
		switch answer = "250 ok"; line {
		case "DATA":
			if err := c.PrintfLine("354 go on"); err != nil {
				return err
			}
			if _, err := c.ReadDotBytes(); err != nil {
				return err
			}
			<-ready()
		case "QUIT":
			return c.PrintfLine("221 bye")
		}
	}
}

func now() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}

const letter = "Subject: green\r\n\r\nNo goroutine was needed.\r\n"

func smtpOnGreen(e *env) error {
	var ready <-chan struct{}
	written := make(chan struct{})
	address, wait := e.outsider(func(c net.Conn) error {
		return postOffice(textproto.NewConn(c), func() <-chan struct{} { <-written; return ready })
	})
	c, err := e.Dial("tcp", address)
	if err != nil {
		return err
	}
	client, err := smtp.NewClient(c, "mail.test")
	if err != nil {
		return err
	}
	defer client.Close()
	if err := errors.Join(client.Mail("ada@mail.test"), client.Rcpt("bob@mail.test")); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, letter)
	ready = e.next()
	close(written)
	err = errors.Join(err, w.Close(), client.Quit()) // Close waits for the answer
	wait()
	return err
}

// textprotoOnGreen serves another's client on a green connection.
func textprotoOnGreen(e *env) error {
	ready := make(chan struct{})
	c, wait, err := e.visited(func(address string) error {
		client, err := smtp.Dial(address)
		if err != nil {
			return err
		}
		defer client.Close()
		<-ready
		return client.Quit()
	})
	if err != nil {
		return err
	}
	tp := textproto.NewConn(c)
	defer tp.Close()
	e.behind(opens(ready))
	err = postOffice(tp, now)
	wait()
	return err
}

// smtpOffloaded shows why: SendMail dials with package net.
func smtpOffloaded(e *env) error {
	send := func(address string) error {
		return smtp.SendMail(address, nil, "ada@mail.test", []string{"bob@mail.test"}, []byte(letter))
	}
	office := func(ready func() <-chan struct{}) (string, func()) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			e.Fatal(err)
		}
		done := make(chan error)
		go func() {
			defer ln.Close()
			c, err := ln.Accept()
			if err == nil {
				tp := textproto.NewConn(c)
				err = postOffice(tp, ready)
				_ = tp.Close()
			}
			done <- err
		}()
		return ln.Addr().String(), func() {
			if err := <-done; err != nil {
				e.Error(err)
			}
		}
	}
	address, wait := office(now)
	e.holds(func() error { return send(address) })
	wait()
	ready := make(chan struct{})
	address, wait = office(func() <-chan struct{} { return ready })
	defer wait()
	return e.elsewhereWith(func() error { return send(address) }, opens(ready))
}

// Arith is a service.
type Arith struct{ ready chan struct{} }

// Multiply answers when another thread has run.
func (a Arith) Multiply(args [2]int, reply *int) error {
	<-a.ready
	*reply = args[0] * args[1]
	return nil
}

// arith serves what answers when ready is closed.
func arith(ready chan struct{}) *rpc.Server {
	s := rpc.NewServer()
	if err := s.Register(Arith{ready}); err != nil {
		panic(err) // a fault of the test
	}
	return s
}

func rpcOnGreen(e *env) error {
	ready := make(chan struct{})
	address, wait := e.outsider(func(c net.Conn) error {
		arith(ready).ServeCodec(jsonrpc.NewServerCodec(c))
		return nil
	})
	c, err := e.Dial("tcp", address)
	if err != nil {
		return err
	}
	codec := jsonrpc.NewClientCodec(c)
	var response rpc.Response
	var product int
	e.behind(opens(ready))
	if err := errors.Join(
		codec.WriteRequest(&rpc.Request{ServiceMethod: "Arith.Multiply", Seq: 1}, [2]int{6, 7}),
		codec.ReadResponseHeader(&response),
		codec.ReadResponseBody(&product),
		codec.Close(),
	); err != nil {
		return err
	}
	wait()
	if response.Error != "" || product != 42 {
		e.Errorf("the answer is %d, %q", product, response.Error)
	}

	asked := make(chan struct{})
	c, wait, err = e.visited(func(address string) error {
		client, err := jsonrpc.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer client.Close()
		<-asked
		var product int
		err = client.Call("Arith.Multiply", [2]int{6, 7}, &product)
		if err == nil && product != 42 {
			err = fmt.Errorf("the product is %d", product)
		}
		return err
	})
	if err != nil {
		return err
	}
	server := jsonrpc.NewServerCodec(c)
	s := arith(ready)
	e.behind(opens(asked))
	if err := s.ServeRequest(server); err != nil {
		return err
	}
	if err := s.ServeRequest(server); err != io.EOF {
		e.Errorf("ServeRequest at the end: %v", err)
	}
	wait()
	return server.Close()
}

// rpcOnFace shows why: a Client reads on a goroutine, and ServeConn answers on others.
func rpcOnFace(e *env) error {
	ready := make(chan struct{})
	server := arith(ready)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			c, err := ln.Accept()
			if err != nil {
				return // it was closed
			}
			go server.ServeConn(c)
		}
	}()
	defer func() { _ = ln.Close(); <-accepting }()
	if err := e.face(func(dial dialer) error {
		c, err := dial(e.Context(), "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		client := rpc.NewClient(c)
		defer client.Close()
		var product int
		err = client.Call("Arith.Multiply", [2]int{6, 7}, &product)
		if err == nil && product != 42 {
			e.Errorf("the product is %d", product)
		}
		return err
	}, opens(ready)); err != nil {
		return err
	}

	call := func(address string) error {
		client, err := rpc.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer client.Close()
		return client.Call("Arith.Multiply", [2]int{6, 7}, new(int))
	}
	s := newStrangers(e)
	c, wait, err := e.visited(func(address string) error {
		if err := call(address); err == nil {
			return errors.New("the call succeeded on a green connection")
		}
		return nil
	})
	if err != nil {
		return err
	}
	served := e.Go(func() error { server.ServeConn(overheard{c, s}); return nil })
	s.wantRefused() // the answer
	_ = c.Close()
	wait()
	_ = served.Join()

	if c, wait, err = e.visited(call); err != nil {
		return err
	}
	face := c.AIO().NetConn()
	err = e.elsewhere(func() error { server.ServeConn(face); return nil })
	wait()
	return err
}

// gated is a handler that answers when ready is closed.
func gated(ready <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-ready
		_, _ = fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path) // a client that has gone does not mind
	})
}

// get gets with a client of its own, and wants the answer of gated.
func get(transport *http.Transport, address string) error {
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("http://" + address + "/hello")
	if err != nil {
		return err
	}
	return read(response)
}

func read(response *http.Response) error {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && string(body) != "GET /hello" {
		err = fmt.Errorf("the answer is %q", body)
	}
	return err
}

func httpOnGreen(e *env) error {
	ready := make(chan struct{})
	address := e.website(gated(ready))
	c, err := e.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	request, err := http.NewRequest("GET", "http://"+address+"/hello", nil)
	if err != nil {
		return err
	}
	if err := request.Write(c); err != nil {
		return err
	}
	e.behind(opens(ready))
	response, err := http.ReadResponse(bufio.NewReader(c), request)
	if err != nil {
		return err
	}
	if err := read(response); err != nil {
		return err
	}

	asked := make(chan struct{})
	served, wait, err := e.visited(func(address string) error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		<-asked
		return get(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }}, address)
	})
	if err != nil {
		return err
	}
	defer served.Close()
	e.behind(opens(asked))
	if request, err = http.ReadRequest(bufio.NewReader(served)); err != nil {
		return err
	}
	text := request.Method + " " + request.URL.Path
	err = (&http.Response{
		StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(text)),
		Body: io.NopCloser(strings.NewReader(text)),
	}).Write(served)
	wait()
	return err
}
