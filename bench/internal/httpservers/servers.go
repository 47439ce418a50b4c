// Package httpservers has the HTTP servers that are compared, each run as a process. All give the
// same answers, those of package httpwork.
package httpservers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/corolla-go/corolla/bench/internal/httpwork"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

type server struct {
	name  string
	paths []string // what it answers

	// run is given a folder that has the files of httpwork.
	run func(dir string) error

	// version says what is run, or why it cannot be.
	version func() (string, error)

	// other says that the process becomes another program.
	other bool
}

var (
	plain   = []string{httpwork.Hello, httpwork.JSON, httpwork.File}
	sockets = []string{httpwork.Echo, httpwork.Broadcast}
)

// all begins with the one that the others are compared with.
var all = []server{
	{name: "net", paths: slices.Concat(plain, sockets), run: netHTTP, version: netVersion},
	{name: "web", paths: slices.Concat(plain, sockets), run: webHTTP, version: webVersion},
	{name: "fasthttp", paths: plain, run: fastHTTP, version: module("github.com/valyala/fasthttp")},
	// It makes no JSON.
	{name: "nginx", paths: []string{httpwork.Hello, httpwork.File}, run: nginx, version: nginxVersion, other: true},
	{name: "node", paths: plain, run: node, version: nodeVersion, other: true},
	{name: "uvicorn", paths: plain, run: uvicorn, version: uvicornVersion, other: true},
}

// Names returns the names of all servers.
func Names() (names []string) {
	for _, s := range all {
		names = append(names, s.name)
	}
	return names
}

func find(name string) (server, error) {
	i := slices.IndexFunc(all, func(s server) bool { return s.name == name })
	if i < 0 {
		return server{}, fmt.Errorf("no server %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return all[i], nil
}

// Installed returns those of the named servers that can be run here, what each one is, and notes on
// those that are left out.
func Installed(names []string) (can []string, versions map[string]string, missing []string) {
	versions = map[string]string{}
	for _, name := range names {
		s, err := find(name)
		if err == nil {
			versions[name], err = s.version()
		}
		if err != nil {
			delete(versions, name)
			missing = append(missing, fmt.Sprintf("left out: %s, as %v", name, err))
			continue
		}
		can = append(can, name)
	}
	return can, versions, missing
}

// Answers reports whether a server answers requests for a path.
func Answers(name, path string) bool {
	s, err := find(name)
	return err == nil && slices.Contains(s.paths, path)
}

// InGo reports whether a server is a part of this program, and not another that it becomes.
func InGo(name string) bool {
	s, err := find(name)
	return err == nil && !s.other
}

// Run prints the address of a server and serves until the process is killed. The folder has what
// httpwork.WriteFiles wrote.
func Run(name, dir string) error {
	s, err := find(name)
	if err != nil {
		return err
	}
	return s.run(dir)
}

// module tells the version of a Go module.
func module(path string) func() (string, error) {
	return func() (string, error) {
		version := turns.ModuleVersion(path)
		if version == "" {
			return "", fmt.Errorf("%s is not part of this program", path)
		}
		return path + " " + version, nil
	}
}
