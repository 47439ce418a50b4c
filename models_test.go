package corolla_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The documents that newcomers read are full of names. A name that was renamed, or never was, is the
// first thing that they would stumble over, so every name in code quotes is looked up in the source:
//
//	corolla.Offload, aio.Conn.Read    what a package exports, and what its types have
//	Conn.SetDeadline                  a type of any package, and what it has
//	l.Post                            a variable whose name says its type: see variables
//	CloseWrite                        anything that any package or type has
//
// Code blocks are left to the compiler: the README's is an example, and tested as one.

// variables are the names by which the documents call values, and the types they have.
var variables = map[string][]string{
	"c": {"Conn"}, "d": {"Deferred"}, "f": {"Future"}, "g": {"Generator", "Group"}, "h": {"Hub"},
	"l": {"Loop"}, "p": {"Process", "Pool"}, "q": {"Queue"}, "s": {"Scope", "Socket"}, "t": {"Task"},
	"th": {"Thread"}, "y": {"Yield"},
}

// foreign are packages of the standard library that the documents name.
var foreign = strings.Fields("bufio context errors exec http io iter log net os signal slices slog smtp sql strings sync time tls")

// exported has what one package shows: its names, and what its types have. What is embedded in a type
// counts as its own.
type exported struct {
	names    map[string]bool
	members  map[string]map[string]bool
	embedded map[string][]string
}

func (e *exported) typ(name string) map[string]bool {
	if e.members[name] == nil {
		e.members[name] = map[string]bool{}
	}
	return e.members[name]
}

// has reports whether a type has a method or a field.
func (e *exported) has(typ, member string) bool {
	return e.members[typ][member] || slices.ContainsFunc(e.embedded[typ], func(in string) bool { return e.has(in, member) })
}

func (e *exported) add(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				e.names[d.Name.Name] = true
			} else {
				e.typ(base(d.Recv.List[0].Type))[d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				e.addSpec(s)
			}
		}
	}
}

func (e *exported) addSpec(s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			e.names[n.Name] = true
		}
	case *ast.TypeSpec:
		e.names[s.Name.Name] = true
		var fields *ast.FieldList
		switch t := s.Type.(type) {
		case *ast.StructType:
			fields = t.Fields
		case *ast.InterfaceType:
			fields = t.Methods
		default:
			return
		}
		for _, f := range fields.List {
			for _, n := range f.Names {
				e.typ(s.Name.Name)[n.Name] = true
			}
			if len(f.Names) == 0 {
				e.embedded[s.Name.Name] = append(e.embedded[s.Name.Name], base(f.Type))
			}
		}
	}
}

// base returns the name of a type without pointers, parameters and its package.
func base(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return base(t.X)
	case *ast.IndexExpr:
		return base(t.X)
	case *ast.IndexListExpr:
		return base(t.X)
	case *ast.SelectorExpr:
		return t.Sel.Name
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// library maps the packages that users can import to what they export.
func library(t *testing.T) map[string]*exported {
	t.Helper()
	all := map[string]*exported{}
	for _, s := range sources(t) {
		if first, _, _ := strings.Cut(s.name, "/"); strings.HasSuffix(s.name, "_test.go") || strings.HasPrefix(s.name, "cluster/cmd/") ||
			slices.Contains([]string{"bench", "cmd", "examples", "internal", "tools"}, first) {
			continue
		}
		name := s.file.Name.Name
		if dir := path.Dir(s.name); dir != "." && path.Base(dir) != name {
			t.Errorf("%s is of package %s", s.name, name)
		}
		if all[name] == nil {
			all[name] = &exported{map[string]bool{}, map[string]map[string]bool{}, map[string][]string{}}
		}
		all[name].add(s.file)
	}
	return all
}

var (
	fenced = regexp.MustCompile("(?ms)^```.*?^```$")
	quoted = regexp.MustCompile("`[^`]+`")
	text   = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	// A name, or several with dots between, that does not go on from a path or a number.
	dotted = regexp.MustCompile(`(?:^|[^\w./-])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)`)
)

// named returns the names in the code quotes of a document, and the lines that they stand in.
func named(document string, skipFirst bool) map[string]int {
	all := map[string]int{}
	document = fenced.ReplaceAllStringFunc(document, func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) })
	for i, line := range strings.Split(document, "\n") {
		if cells := strings.SplitN(line, "|", 3); skipFirst && len(cells) == 3 && cells[0] == "" {
			line = cells[2] // what others call it
		}
		for _, q := range quoted.FindAllString(line, -1) {
			code := text.ReplaceAllString(strings.Trim(q, "`"), `""`)
			for _, m := range dotted.FindAllStringSubmatch(code, -1) {
				all[m[1]] = i + 1
			}
		}
	}
	return all
}

// unknown says what is wrong with a name, or nothing.
func unknown(lib map[string]*exported, name string) error {
	first, rest, qualified := strings.Cut(name, ".")
	second, third, _ := strings.Cut(rest, ".")
	anyHas := func(types []string, member string) bool {
		for _, e := range lib {
			if slices.ContainsFunc(types, func(t string) bool { return e.has(t, member) }) {
				return true
			}
		}
		return false
	}
	switch e := lib[first]; {
	case !qualified:
		if !ast.IsExported(name) || len(name) == 1 { // a word, or a type's parameter
			return nil
		}
		for _, e := range lib {
			if e.names[name] || slices.ContainsFunc(slices.Collect(maps.Keys(e.members)), func(t string) bool { return e.has(t, name) }) {
				return nil
			}
		}
		return fmt.Errorf("no package and no type has %s", name)
	case !ast.IsExported(second): // a file, a module
		return nil
	case e != nil && (!e.names[second] || third != "" && !e.has(second, third)):
		return fmt.Errorf("package %s has no %s", first, rest)
	case e != nil:
		return nil
	case variables[first] != nil:
		if !anyHas(variables[first], second) {
			return fmt.Errorf("%v has no %s", variables[first], second)
		}
	case ast.IsExported(first):
		if !anyHas([]string{first}, second) {
			return fmt.Errorf("no %s has %s", first, second)
		}
	case !slices.Contains(foreign, first):
		return fmt.Errorf("%s is neither a package nor a variable that this test knows", first)
	}
	return nil
}

func TestNamesInDocumentsExist(t *testing.T) {
	lib := library(t)
	for _, d := range []struct {
		file  string
		first bool // the first column of tables has others' names
		least int
	}{
		{"README.md", false, 20},
		{"docs/models.md", true, 300},
		{"docs/testing.md", false, 15},
		{"docs/differences.md", false, 15},
	} {
		document, err := os.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		names := named(string(document), d.first)
		if len(names) < d.least {
			t.Errorf("%s: found only %d names", d.file, len(names))
		}
		for name, line := range names {
			if err := unknown(lib, name); err != nil {
				t.Errorf("%s:%d: `%s`: %v", d.file, line, name, err)
			}
		}
	}
}

// TestUnknownNamesAreFound keeps the test above from passing because it finds nothing wrong anywhere.
func TestUnknownNamesAreFound(t *testing.T) {
	src := `package corolla
type Loop struct { *inner; Field int }
type inner struct{}
type Proto interface { Opened() }
func (*Loop) Post() {}
func (inner) Promoted() {}
func Offload() {}
const Max = 1
`
	f, err := parser.ParseFile(token.NewFileSet(), "src.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	e := &exported{map[string]bool{}, map[string]map[string]bool{}, map[string][]string{}}
	e.add(f)
	lib := map[string]*exported{"corolla": e}
	for _, c := range []struct {
		document string
		wrong    string // the names that are not there, in order
	}{
		{"`corolla.Offload`, `corolla.Max`, `corolla.Loop.Post`, `Loop.Field`, `l.Promoted`, `Proto.Opened`, `Post`", ""},
		{"`corolla.Onload(l, f)`", "corolla.Onload"},
		{"`corolla.Loop.Offload`, `l.Offload` and `Loop.Opened`", "Loop.Opened corolla.Loop.Offload l.Offload"},
		{"`Nothing`, `other.Thing`", "Nothing other.Thing"},
		{"`&Gone{Post: 1}` in `f(\"Text\")`, `net.Conn`, `docs/design.md`, `T`", "Gone"},
		{"| `Theirs` | `Ours` |", "Ours"},
		{"Gone is no code\n```go\nGone\n```\n", ""},
	} {
		var wrong []string
		for _, name := range slices.Sorted(maps.Keys(named(c.document, true))) {
			if unknown(lib, name) != nil {
				wrong = append(wrong, name)
			}
		}
		if got := strings.Join(wrong, " "); got != c.wrong {
			t.Errorf("of %s unknown are %q, want %q", c.document, got, c.wrong)
		}
	}
}
