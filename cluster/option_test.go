package cluster_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
)

// TestOptionsThatCannotBe are errors of Embed that say what is wrong, and not only that the server did not start.
func TestOptionsThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(0, os.WriteFile(file, nil, 0o600))(t)
	taken := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer taken.Close()
	free, at := cluster.Routes("127.0.0.1:0"), taken.Addr().String()
	log := new(serverLog)
	for _, c := range []struct {
		name string
		opts []cluster.Option
		says string
		is   error // or nil
	}{
		{"a store that is a file", []cluster.Option{cluster.Store(file)}, "storage directory is not a directory", nil},
		{"so, with a log", []cluster.Option{cluster.Store(file), cluster.ServerLog(log)}, "storage directory is not a directory", nil},
		{"clients at a taken address", []cluster.Option{cluster.Clients(at)}, "address already in use", syscall.EADDRINUSE},
		{"routes at a taken address", []cluster.Option{cluster.Routes(at)}, "address already in use", syscall.EADDRINUSE},
		{"routes without a port", []cluster.Option{cluster.Routes("here")}, "address here: missing port", nil},
		{"no such port", []cluster.Option{cluster.Clients("127.0.0.1:99999")}, "99999: not a port", nil},
		{"join without routes", []cluster.Option{cluster.Join("127.0.0.1:6222")}, "Routes", nil},
		{"a secret without routes", []cluster.Option{cluster.Secret("s")}, "Routes", nil},
		{"join without a port", []cluster.Option{free, cluster.Join("there")}, "address there: missing port", nil},
		{"join a free port", []cluster.Option{free, cluster.Join("127.0.0.1:0")}, "not a port to Join", nil},
		{"join nowhere", []cluster.Option{free, cluster.Join(":6222")}, "no host to Join", nil},
		{"a store and nobody to join", []cluster.Option{free, cluster.Store(t.TempDir())}, "Join must name", nil},
		{"a name with a space", []cluster.Option{cluster.Name("a b")}, "cannot contain spaces", nil},
		{"a cluster's name with a space", []cluster.Option{free, cluster.ClusterName("a b")}, "cannot contain spaces", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				conn, err := cluster.Embed(task.Loop(), append([]cluster.Option{cluster.Name("a")}, c.opts...)...).Await(task)
				if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("Embed: %v", err)
				}
				if conn != nil {
					closed(t, task, conn)
				}
			})
		})
	}
	if !log.has("not a directory") {
		t.Error("the log that was asked for does not have it")
	}
}

func TestOptionsThatPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"MaxRequests": func() { cluster.MaxRequests(0) },
		"Outgoing":    func() { cluster.Outgoing(1, 0, cluster.Refuse) },
		"Pending":     func() { cluster.Pending(0, 1) },
	} {
		func() {
			defer func() {
				if s, _ := recover().(string); !strings.Contains(s, name) {
					t.Errorf("%s: %q", name, s)
				}
			}()
			f()
		}()
	}
}
