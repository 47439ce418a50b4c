package gen_test

import (
	"bufio"
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"

	"github.com/corolla-go/corolla/gen"
)

// counted counts how many files are opened.
type counted struct {
	fs.FS
	opened int
}

func (c *counted) Open(name string) (fs.File, error) {
	if name != "." {
		c.opened++
	}
	return c.FS.Open(name)
}

type lines = gen.Yield[string, struct{}]

// linesOf yields the lines of one file.
func linesOf(y *lines, fsys fs.FS, name string) (int, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); n++ {
		if _, err := y.Yield(name + ": " + sc.Text()); err != nil {
			return n, err
		}
	}
	return n, nil
}

// linesIn yields the lines of all files of a folder, one file after the other, and opens
// none before its lines are asked for.
func linesIn(fsys fs.FS) *gen.Generator[string, struct{}, int] {
	return gen.New(func(y *lines) (total int, err error) {
		names, err := fs.ReadDir(fsys, ".")
		for _, entry := range names {
			n, err := linesOf(y, fsys, entry.Name())
			if total += n; err != nil {
				return total, err
			}
		}
		return total, err
	})
}

// grep yields those that have a word in them.
func grep(word string, in *gen.Generator[string, struct{}, int]) *gen.Generator[string, struct{}, int] {
	return gen.New(func(y *lines) (hits int, err error) {
		defer in.Close()
		for line, err := range in.All() {
			if err != nil {
				return hits, err
			}
			if strings.Contains(line, word) {
				hits++
				if _, err := y.Yield(line); err != nil {
					return hits, err
				}
			}
		}
		return hits, nil
	})
}

// Work that is done only as far as somebody asks: the search stops at the first line that
// matches, and the files behind it are never opened.
func Example_lazyWork() {
	folder := &counted{FS: fstest.MapFS{
		"a.txt": {Data: []byte("nothing\nin here\n")},
		"b.txt": {Data: []byte("something\nthe needle\nmore\n")},
		"c.txt": {Data: []byte("another needle\n")},
		"d.txt": {Data: []byte("and so on\n")},
	}}
	search := grep("needle", linesIn(folder))
	first, err := search.Next()
	fmt.Println(first, err)
	fmt.Println("opened:", folder.opened)
	fmt.Println(search.Close())
	// Output:
	// b.txt: the needle <nil>
	// opened: 2
	// <nil>
}
