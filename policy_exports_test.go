package corolla_test

import (
	"bufio"
	"fmt"
	"go/ast"
	"path"
	"strings"
	"testing"
)

// exports says how many names each package offers: types, functions, constants, variables, and
// methods of exported types. To offer more, or fewer, is a decision: change the number with the code.
const exports = `
.: 415
aio: 112
backdoor: 7
cluster: 124
cluster/rooms: 16
corollatest: 4
deferred: 85
gen: 36
green: 118
process: 29
service: 49
shard: 40
sim: 117
sim/history: 26
sim/simtest: 11
transport: 119
transport/framing: 18
transport/transporttest: 19
web: 34
web/websocket: 72
worker: 34
`

// maxMethods is how many methods a type may have, exported or not. The numbers of those that have more
// may only become smaller.
const maxMethods = 45

var manyMethods = map[string]int{"Loop": 86, "Socket": 58, "Task": 60, "internal/host.epoll": 47}

func TestPolicyExports(t *testing.T) {
	want := map[string]int{}
	for sc := bufio.NewScanner(strings.NewReader(exports)); sc.Scan(); {
		var n int
		if name, number, ok := strings.Cut(sc.Text(), ": "); ok {
			if _, err := fmt.Sscan(number, &n); err != nil {
				t.Fatal(err)
			}
			want[name] = n
		}
	}
	got := map[string]int{}
	for _, s := range sources(t) {
		dir := path.Dir(s.name)
		if strings.HasSuffix(s.name, "_test.go") || hidden(dir) {
			continue
		}
		for _, d := range s.file.Decls {
			got[dir] += offered(d)
		}
	}
	for dir, n := range got {
		if want[dir] != n {
			t.Errorf("package %s offers %d names, and %d are listed", dir, n, want[dir])
		}
	}
	for dir := range want {
		if _, ok := got[dir]; !ok {
			t.Errorf("package %s is listed, and there is none", dir)
		}
	}
}

// hidden reports whether a folder offers nothing to others.
func hidden(dir string) bool {
	for _, h := range []string{"internal", "cmd", "bench", "examples", "tools", "conformance", "cluster/cmd", "cluster/internal"} {
		if dir == h || strings.HasPrefix(dir, h+"/") {
			return true
		}
	}
	return false
}

// offered counts the exported names of a declaration.
func offered(d ast.Decl) (n int) {
	count := func(names ...*ast.Ident) {
		for _, name := range names {
			if name.IsExported() {
				n++
			}
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(receiver(d)) {
			count(d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				count(spec.Name)
			case *ast.ValueSpec:
				count(spec.Names...)
			}
		}
	}
	return n
}

// receiver returns the name of the type that a method belongs to.
func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func TestPolicyMethods(t *testing.T) {
	methods := map[string]int{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.name, "_test.go") {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				methods[strings.TrimPrefix(path.Dir(s.name)+"."+receiver(f), "..")]++
			}
		}
	}
	for name, n := range methods {
		if most := max(maxMethods, manyMethods[name]); n > most {
			t.Errorf("%s has %d methods; at most %d, so that one can know them", name, n, most)
		} else if known := manyMethods[name]; known > 0 && n < known {
			t.Errorf("%s has %d methods and not %d any more: let the list say so", name, n, known)
		}
	}
}
