package worker_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// lone is a worker whose parent and successor, or predecessor, are the test.
type lone struct {
	t     *testing.T
	in    *bufio.Reader // of what it says to its parent
	stdin *os.File
	next  *net.UnixConn
	conn  net.Conn // a client
	from  *bufio.Reader
}

// alone starts a worker that counts lines, with a client that has sent one. The name is that of its end of a pair.
func alone(t *testing.T, name string) *lone {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	told, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	input, stdin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	own, other, err := corolla.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	next, err := net.FileConn(other)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(settings{Mode: modeFile(t, "lines well"), Linger: deadline})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), poolVariable+"="+string(text), "GORACE=atexit_sleep_ms=0", "LISTEN_FDS=3", "LISTEN_FDNAMES=web:notify:"+name,
		fmt.Sprintf("COROLLA_WORKER=1 0 %d -1", 2*deadline))
	cmd.Stdin, cmd.Stderr, cmd.ExtraFiles = input, os.Stderr, []*os.File{f, tell, own}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{f, tell, input, own, other} {
		f.Close()
	}
	w := &lone{t: t, in: bufio.NewReader(told), stdin: stdin, next: next.(*net.UnixConn)}
	t.Cleanup(func() {
		stdin.Close()
		next.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the worker: %v", err)
		}
		told.Close()
	})
	w.hears("READY=1")
	if w.conn, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.conn.Close() })                                                              // before that
	_, _ = w.conn.SetDeadline(time.Now().Add(deadline)), w.next.SetDeadline(time.Now().Add(deadline)) // they are open
	w.from = bufio.NewReader(w.conn)
	fmt.Fprint(w.conn, "one\ntw")
	if text, err := w.from.ReadString('\n'); !strings.HasPrefix(text, "1 ") {
		t.Fatalf("%q, %v", text, err)
	}
	return w
}

// hears waits for what the worker tells its parent.
func (w *lone) hears(what string) string {
	w.t.Helper()
	for {
		line, err := w.in.ReadString('\n')
		if strings.HasPrefix(line, what) {
			return line
		}
		if err != nil {
			w.t.Fatalf("the parent waits for %s: %v", what, err)
		}
	}
}

// says sends what a successor says.
func (w *lone) says(lines ...string) {
	w.t.Helper()
	if _, err := w.next.Write([]byte(strings.Join(lines, "\n") + "\n")); err != nil {
		w.t.Fatal(err)
	}
}

// wants reads what the worker says to a successor, and the descriptors that come with it.
func (w *lone) wants(kind string) (files int) {
	w.t.Helper()
	b, oob := make([]byte, 10_000), make([]byte, 100)
	n, noob, _, _, err := w.next.ReadMsgUnix(b, oob)
	if !strings.HasPrefix(string(b[:n]), `{"Kind":"`+kind+`"`) || err != nil {
		w.t.Fatalf("%q, %v, want %s", b[:n], err, kind)
	}
	if noob > 0 {
		for _, f := range received(w.t, oob[:noob]) {
			f.Close()
			files++
		}
	}
	return files
}

const hello, takes = `{"Kind":"hello","Version":1}`, `{"Kind":"take","Name":"lines"}`

// A successor that ends at each step, or says something odd: the worker goes on with its connection up to the last
// step, and has nothing to do with it after that.
func TestEachStep(t *testing.T) {
	for name, c := range map[string]struct {
		talk func(w *lone)
		gone bool
	}{
		"nothing":         {talk: func(*lone) {}},
		"another version": {talk: func(w *lone) { w.says(`{"Kind":"hello","Version":2}`, takes) }},
		"no name":         {talk: func(w *lone) { w.says(hello) }},
		"another hello":   {talk: func(w *lone) { w.says(hello, takes, hello) }},
		"not a message":   {talk: func(w *lone) { w.says(hello, takes, "odd") }},
		"offer":           {talk: func(w *lone) { w.says(hello, takes); w.stdin.Close(); w.wants("offer") }},
		"a wrong accept": {talk: func(w *lone) {
			w.says(hello, takes)
			w.stdin.Close()
			w.wants("offer")
			w.says(`{"Kind":"accept","ID":7}`, `{"Kind":"mine","ID":1}`)
			w.wants("never")
		}},
		"yours": {talk: func(w *lone) { w.yours() }},
		"yours, and refuse": {talk: func(w *lone) {
			w.yours()
			w.says(`{"Kind":"refuse","ID":1,"Why":"no room"}`)
		}},
		"mine": {gone: true, talk: func(w *lone) {
			w.yours()
			w.says(`{"Kind":"mine","ID":1}`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := alone(t, "worker-next")
			c.talk(w)
			_ = w.next.CloseWrite() // what was said is heard first
			w.stdin.Close()
			text, err := w.from.ReadString('\n')
			if c.gone && (text != "" || err == nil) || !c.gone && (text != "bye\n" || err != nil) {
				t.Errorf("the client hears %q, %v", text, err)
			}
			want := "HANDED=0 1 "
			if c.gone {
				want = "HANDED=1 0"
			}
			w.hears(want)
		})
	}
}

// yours goes as far as that.
func (w *lone) yours() {
	w.t.Helper()
	w.says(hello, takes)
	w.stdin.Close()
	w.wants("offer")
	w.says(`{"Kind":"accept","ID":1}`)
	if n := w.wants("yours"); n != 1 {
		w.t.Errorf("%d descriptors", n)
	}
}

// received returns the files in a control message.
func received(t *testing.T, oob []byte) (files []*os.File) {
	t.Helper()
	all, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files
}

// A predecessor that ends before and after it has given a connection away, and one that takes it back: the worker has
// what was given, and lets go of the rest.
func TestPredecessorEnds(t *testing.T) {
	for name, c := range map[string]struct {
		never bool // the connection is given
		then  string
	}{"yours": {}, "never": {never: true, then: `{"Kind":"never","ID":1}`}, "the end": {never: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := alone(t, "worker-last")
			in := bufio.NewReader(w.next)
			heard := func(kind string) {
				t.Helper()
				if line, err := in.ReadString('\n'); !strings.HasPrefix(line, `{"Kind":"`+kind+`"`) || err != nil {
					t.Fatalf("%q, %v, want %s", line, err, kind)
				}
			}
			heard("hello")
			heard("take")
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			client, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			_ = client.SetDeadline(time.Now().Add(deadline)) // it is open
			given, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			f, err := given.(*net.TCPConn).File()
			if err != nil {
				t.Fatal(err)
			}
			w.says(`{"Kind":"offer","ID":1,"Name":"lines","State":"NDE=","Ahead":"bGE="}`) // 41, and "la"
			heard("accept")
			switch {
			case c.then != "":
				w.says(c.then)
			case !c.never:
				if _, _, err := w.next.WriteMsgUnix([]byte(`{"Kind":"yours","ID":1}`+"\n"), syscall.UnixRights(int(f.Fd())), nil); err != nil {
					t.Fatal(err)
				}
			}
			w.next.Close()
			f.Close()
			given.Close()
			fmt.Fprintln(client, "st")
			text, err := bufio.NewReader(client).ReadString('\n')
			if c.never != (text == "") || !c.never && !strings.HasPrefix(text, "42 ") {
				t.Errorf("the client hears %q, %v", text, err)
			}
			client.Close()
			w.conn.Close()
		})
	}
}
