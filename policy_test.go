package corolla_test

import (
	"bufio"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The laws of the house, as tests. They change only with a reason in docs/decisions/.

const module = "github.com/corolla-go/corolla"

// imports says which packages of the module, and which modules besides it, a package
// may import; "." is the root. A line holds for the folder and what is below it, and
// the longest that fits is the one in force. Every folder must be covered.
const imports = `
internal/ds:
internal/backlog:
internal/leaktest: . corollatest
corollatest:       .
internal/certtest:
internal/echotest: . aio sim
internal/host:     golang.org/x/sys
internal/host/hosttest: . internal/host
.:                 internal/ds internal/host
sim:               . internal/ds internal/host
sim/history:       github.com/anishathalye/porcupine
sim/simtest:       . sim
internal/secure:   .
internal/stream:   . internal/secure
aio:               . internal/stream
transport:         . internal/stream
transport/framing:
transport/transporttest: . transport sim
process:           . aio transport
deferred:          .
gen:               .
green:             . aio
web/websocket:     . aio green web github.com/gobwas/ws
backdoor:          . aio
shard:             .
web:               . aio green internal/ds
service:           . aio transport
worker:            . aio process service
examples:          . aio transport transport/framing process deferred service green gen web sim shard worker golang.org/x/sys
conformance:       . aio transport transport/framing process deferred service green gen sim
internal/program:  . internal/backlog aio transport transport/framing process deferred green gen backdoor service web sim shard worker examples golang.org/x/sys
cmd:               internal/program
tools:
bench:             *
compat:            *
cluster:           . internal/backlog github.com/nats-io/nats.go github.com/nats-io/nats-server github.com/nats-io/nuid
cluster/cmd:       . internal/program cluster github.com/nats-io/nats.go github.com/nats-io/nats-server
`

// Tests may import anything of the module besides, and of other modules what the
// root's go.mod names.

const (
	maxFile     = 400 // lines
	maxPlatform = 200 // lines of a file for one system
	maxFunction = 60  // lines

	// Tests may be longer, as they are read one case after the other.
	maxTestFile     = 450 // lines
	maxTestFunction = 80  // lines
)

type source struct {
	name string // relative to the root, with slashes
	file *ast.File
	fset *token.FileSet
	rows int
}

func (s source) line(n ast.Node) int { return s.fset.Position(n.Pos()).Line }

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		all = append(all, source{filepath.ToSlash(name), f, fset, strings.Count(string(text), "\n")})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("found only %d source files: is the test run in the root?", len(all))
	}
	return all
}

func importLaw(t *testing.T) map[string][]string {
	t.Helper()
	law := map[string][]string{}
	for sc := bufio.NewScanner(strings.NewReader(imports)); sc.Scan(); {
		if name, allowed, ok := strings.Cut(sc.Text(), ":"); ok {
			law[name] = strings.Fields(allowed)
		}
	}
	return law
}

// inForce finds the line of the law that covers a folder.
func inForce(law map[string][]string, dir string) (string, bool) {
	if dir == "." {
		return ".", true
	}
	for d := dir; d != "."; d = path.Dir(d) {
		if _, ok := law[d]; ok {
			return d, true
		}
	}
	return "", false
}

func TestPolicyImports(t *testing.T) {
	law := importLaw(t)
	for _, s := range sources(t) {
		dir := path.Dir(s.name)
		rule, ok := inForce(law, dir)
		if !ok {
			t.Errorf("%s: the import law says nothing of folder %s", s.name, dir)
			continue
		}
		for _, spec := range s.file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !mayImport(law[rule], dir, rule, imported, strings.HasSuffix(s.name, "_test.go")) {
				t.Errorf("%s:%d: %s may not import %s", s.name, s.line(spec), dir, imported)
			}
		}
	}
}

func mayImport(allowed []string, dir, rule, imported string, test bool) bool {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	if slices.Contains(allowed, "*") {
		return true
	}
	if in, ours := strings.CutPrefix(imported, module); ours {
		in = strings.TrimPrefix(in, "/")
		if in == "" {
			in = "."
		}
		if test || in == dir || rule != "." && strings.HasPrefix(in+"/", rule+"/") {
			return true
		}
		return slices.ContainsFunc(allowed, func(a string) bool {
			return in == a || a != "." && strings.HasPrefix(in, a+"/")
		})
	}
	return test || slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(imported+"/", a+"/") })
}

func TestPolicySizes(t *testing.T) {
	for _, s := range sources(t) {
		most, mostOfFunction := maxFile, maxFunction
		switch {
		case strings.HasSuffix(s.name, "_test.go"):
			most, mostOfFunction = maxTestFile, maxTestFunction
		case platform(s.name):
			most = maxPlatform
		}
		if s.rows > most {
			t.Errorf("%s has %d lines; at most %d, so that a reader finds the room", s.name, s.rows, most)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.fset.Position(f.End()).Line - s.line(f) + 1; n > mostOfFunction {
				t.Errorf("%s:%d: %s has %d lines; at most %d", s.name, s.line(f), f.Name.Name, n, mostOfFunction)
			}
		}
	}
}

func platform(name string) bool {
	for _, system := range []string{"_linux.go", "_darwin.go", "_freebsd.go", "_windows.go", "_unix.go"} {
		if strings.HasSuffix(name, system) {
			return true
		}
	}
	return false
}

// TestPolicyGoroutinesAndClocks keeps the two things that a simulated machine cannot
// replace out of the library: goroutines of its own, and the wall clock. What the talk
// compares the library with is made of both.
func TestPolicyGoroutinesAndClocks(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasSuffix(s.name, "_test.go") || exempt(s.name) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s:%d: a go statement; use Offload, or a Host's Start", s.name, s.line(n))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" {
					switch n.Sel.Name {
					case "Now", "Sleep", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick":
						t.Errorf("%s:%d: time.%s; use the loop's clock", s.name, s.line(n), n.Sel.Name)
					}
				}
			}
			return true
		})
	}
}

// exempt lists what is not under the law above.
func exempt(name string) bool {
	for _, dir := range []string{"internal/host/", "internal/certtest/", "internal/program/", "bench/", "examples/talk/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	switch name {
	case "sim/outside.go": // the goroutines that a World is told of
	case "sim/simtest/watch.go": // a run that never ends, of which no simulated clock can tell
	case "shard/run.go": // one for each loop, which is what the package is for
	case "cluster/elsewhere.go": // those that wait in calls of nats.go; its connections have no simulation
	default:
		return false
	}
	return true
}

// TestPolicyOneSuspension holds law 5: a task stops running in one place only, and
// system calls are made in one package only.
func TestPolicyOneSuspension(t *testing.T) {
	suspends := 0 // in Task.suspend, and in showStack for a task that was only looked at
	for _, s := range sources(t) {
		root := path.Dir(s.name) == "." && !strings.HasSuffix(s.name, "_test.go")
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && root {
				if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "suspend" {
					if x, ok := f.X.(*ast.SelectorExpr); ok && x.Sel.Name == "co" {
						suspends++
					}
				}
			}
			return true
		})
		for _, spec := range s.file.Imports {
			if root && strings.Contains(spec.Path.Value, "golang.org/x/sys") {
				t.Errorf("%s: system calls belong in internal/host", s.name)
			}
		}
	}
	if suspends != 2 {
		t.Errorf("a coroutine is suspended in %d places, want 2: Task.suspend and showStack", suspends)
	}
}

func TestPolicyNoUnfinishedWords(t *testing.T) {
	words := []string{"TO" + "DO", "FIX" + "ME", "X" + "XX"}
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			for _, w := range words {
				if strings.Contains(group.Text(), w) {
					t.Errorf("%s:%d: %s in a comment; do it, or write down why not", s.name, s.line(group), w)
				}
			}
		}
	}
}

// dependencies are the modules that the root's go.mod may name. x/net is for the tests only: its suite
// for connections. gobwas/ws is for web/websocket, and comes with its httphead, and porcupine is for
// sim/history. TestPolicyImports keeps them out of everything else.
var dependencies = []string{
	"golang.org/x/sys", "golang.org/x/net", "github.com/gobwas/ws", "github.com/gobwas/httphead",
	"github.com/anishathalye/porcupine",
}

// TestPolicyDependencies keeps the root module light.
func TestPolicyDependencies(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for sc := bufio.NewScanner(strings.NewReader(string(text))); sc.Scan(); {
		f := strings.Fields(strings.TrimPrefix(sc.Text(), "require "))
		if len(f) >= 2 && strings.Contains(f[0], ".") && !slices.Contains(dependencies, f[0]) {
			t.Errorf("go.mod requires %s", f[0])
		}
	}
}

// TestPolicyHasDocs wants an opening comment in every package.
func TestPolicyHasDocs(t *testing.T) {
	documented := map[string]error{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.name, "_test.go") {
			continue
		}
		dir := path.Dir(s.name)
		if s.file.Doc != nil {
			documented[dir] = nil
		} else if _, ok := documented[dir]; !ok {
			documented[dir] = errors.New("no package comment")
		}
	}
	for dir, err := range documented {
		if err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestReadmeProgramIsTheExample keeps the README's program whole, and one that compiles: it is the
// example's file from its package clause on.
func TestReadmeProgramIsTheExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("examples/chat/main.go")
	if err != nil {
		t.Fatal(err)
	}
	clause := strings.Index(string(program), "package main\n")
	if clause < 0 {
		t.Fatal("examples/chat/main.go has no package clause")
	}
	if !strings.Contains(string(readme), "\n```go\n"+string(program[clause:])+"```\n") {
		t.Error("the README's program is not that of examples/chat")
	}
}

// TestDesignNamesEveryFile keeps the table of docs/design.md that of the root's files.
func TestDesignNamesEveryFile(t *testing.T) {
	text, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Where to find what")
	listed := map[string]bool{}
	for i, word := range strings.Split(table, "`") {
		if i%2 == 1 && strings.HasSuffix(word, ".go") {
			listed[word] = true
		}
	}
	for _, s := range sources(t) {
		if path.Dir(s.name) != "." || strings.HasSuffix(s.name, "_test.go") || s.name == "doc.go" {
			continue
		}
		if !listed[s.name] {
			t.Errorf("docs/design.md does not say what is in %s", s.name)
		}
		delete(listed, s.name)
	}
	for name := range listed {
		t.Errorf("docs/design.md says what is in %s, and there is no such file", name)
	}
}
