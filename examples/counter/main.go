// Command counter is one of three copies of a counter. An increment that it has acknowledged is not
// lost when one of the three crashes or is cut off, and what clients see is what they would see of one
// counter.
//
//	counter -listen :7001 -file a.log -peers localhost:7002,localhost:7003
//	counter -listen :7002 -file b.log -peers localhost:7001,localhost:7003
//	counter -listen :7003 -file c.log -peers localhost:7001,localhost:7002
//	printf 'add x1\nadd x2\nvalue\n' | nc localhost 7001
//
// Its test runs it through simulated crashes, cuts and delays, and finds the bug that the build tag
// counterbug puts in.
package main

import (
	"errors"
	"flag"
	"log"
	"os"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

func main() {
	listen := flag.String("listen", "localhost:7001", "`address` to listen on")
	file := flag.String("file", "counter.log", "`file` that keeps what was stored")
	peers := flag.String("peers", "", "`addresses` of the other two, with a comma between")
	flag.Parse()
	log.SetFlags(0)
	corolla.Main(func(t *corolla.Task) error {
		f, err := os.OpenFile(*file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		ln, err := aio.Listen(t.Loop(), "tcp", *listen)
		if err != nil {
			return err
		}
		return serve(t, ln, fileDisk{f}, strings.Split(*peers, ","), func(what string) { log.Print(what) })
	})
}

// serve is a replica, on a disk and with the addresses of the others.
func serve(t *corolla.Task, ln *aio.Listener, d disk, peers []string, note func(string)) error {
	store, err := openJournal(t, d, note)
	if err != nil {
		return err
	}
	r := &replica{store: store, note: note}
	for _, addr := range peers {
		r.peers = append(r.peers, &peer{addr: addr, note: note})
	}
	return r.serve(t, ln)
}

// fileDisk is a file. What takes time is done elsewhere.
type fileDisk struct{ *os.File }

func (d fileDisk) Load(t *corolla.Task) ([]byte, error) {
	return corolla.Offload(t.Loop(), func() ([]byte, error) { return os.ReadFile(d.Name()) }).Await(t)
}

func (d fileDisk) Cut(t *corolla.Task, size int) error {
	_, err := corolla.Offload(t.Loop(), func() (int, error) { return 0, d.Truncate(int64(size)) }).Await(t)
	return err
}

func (d fileDisk) Append(t *corolla.Task, b []byte) error {
	_, err := corolla.Offload(t.Loop(), func() (int, error) {
		n, err := d.Write(b)
		return n, errors.Join(err, d.Sync())
	}).Await(t)
	return err
}
