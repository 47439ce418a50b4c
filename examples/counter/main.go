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
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"slices"
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
		s, err := openFile(*file)
		if err != nil {
			return err
		}
		defer s.file.Close()
		ln, err := aio.Listen(t.Loop(), "tcp", *listen)
		if err != nil {
			return err
		}
		return newReplica(s, strings.Split(*peers, ","), func(what string) { log.Print(what) }).serve(t, ln)
	})
}

func newReplica(s store, peers []string, note func(string)) *replica {
	r := &replica{store: s, note: note}
	for _, addr := range peers {
		r.peers = append(r.peers, &peer{addr: addr, note: note})
	}
	return r
}

// fileStore is a store in a file, a name a line.
type fileStore struct {
	file  *os.File
	names map[string]bool
	turn  corolla.Lock  // one writes at a time
}

func openFile(name string) (*fileStore, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	s := &fileStore{file: f, names: map[string]bool{}}
	lines := bufio.NewReader(f)
	for good := int64(0); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) { // what is behind the last newline was not stored whole
			_, err = f.Seek(good, io.SeekStart)
			return s, errors.Join(err, f.Truncate(good))
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		good += int64(len(line))
		s.names[strings.TrimSpace(line)] = true
	}
}

func (s *fileStore) Add(t *corolla.Task, names ...string) error {
	if err := s.turn.Lock(t); err != nil {
		return err
	}
	defer s.turn.Unlock()
	fresh := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return s.names[n] })
	if len(fresh) == 0 {
		return nil
	}
	write := corolla.Offload(t.Loop(), func() (int, error) {
		n, err := io.WriteString(s.file, strings.Join(fresh, "\n")+"\n")
		return n, errors.Join(err, s.file.Sync())
	})
	if _, err := write.Await(t); err != nil {
		return err
	}
	for _, n := range fresh {
		s.names[n] = true
	}
	return nil
}

func (s *fileStore) All() []string { return slices.Sorted(maps.Keys(s.names)) }
