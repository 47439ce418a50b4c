package program

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// chat holds the options of serve chat.
type chat struct {
	place
	queue   int // KiB
	most    int // connections
	shards  int
	workers int // processes; 0 is this one
	cluster string
	config  ClusterConfig
	join    string
}

func (o *chat) options() []option {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	text := func(to *string) func(string) string {
		return func(text string) string {
			*to = text
			return unless(text != "", "it must not be empty")
		}
	}
	return append(o.place.options("127.0.0.1:8080"),
		option{"queue", "KIB", "64", "how much may wait for a client before it is dropped", whole(&o.queue, "KiB", 4, 16384)},
		option{"max-conns", "N", "10000", "how many connections a process may have; more wait", whole(&o.most, "connections", 1, 1000000)},
		option{"shards", "N", "1", "loops in a process, each on its own core", whole(&o.shards, "loops", 1, 256)},
		option{"workers", "N", "", "processes, which SIGHUP replaces by those of a new version", whole(&o.workers, "processes", 1, 256)},
		option{"cluster", "WITH", "", "rooms on all machines: embed, or the URL of a NATS server", text(&o.cluster)},
		option{"join", "HOST:PORT,…", "", "with embed: the --routes of all machines of the cluster", text(&o.join)},
		option{"routes", "HOST:PORT", ":6222", "with --join: listen there for the other machines", hostPort(&o.config.Routes, 0)},
		option{"store", "DIR", "corolla-store", "with embed: keep what was said there", fileName(&o.config.Store)},
		option{"node", "NAME", host, "with --cluster: what this machine is called there", text(&o.config.Node)})
}

// secretVariable has what machines must know to join: a command line can be seen by others of the machine.
const secretVariable = "COROLLA_SECRET"

func runChat(c *console, args []string) error {
	var o chat
	rest, err := parse("serve chat", o.options(), args)
	switch {
	case err == errHelp:
		return helpChat(c)
	case err != nil:
		return err
	case len(rest) > 0:
		return usagef("corolla serve chat: unexpected argument %s", quoted(rest[0]))
	case o.cluster == "" && o.workers > 1:
		return usagef("corolla serve chat: --workers %d: rooms do not span processes without --cluster; --shards uses more cores", o.workers)
	case o.join != "" && o.cluster != "embed":
		return usagef("corolla serve chat: --join is for --cluster embed")
	case o.cluster != "" && c.cluster == nil:
		return usagef("corolla serve chat: --cluster is in the program of another module, of the same name; " +
			"to install it, in a clone of the repository: cd cluster && go install ./cmd/corolla")
	case o.workers > 0 && o.door != "":
		return usagef("corolla serve chat: --backdoor is one address, and --workers are processes of their own")
	}
	for one := range strings.SplitSeq(o.join, ",") {
		if o.join == "" {
			break
		}
		var address string
		if complaint := hostPort(&address, 1)(strings.TrimSpace(one)); complaint != "" {
			return usagef("corolla serve chat: --join %s: %s", quoted(one), complaint)
		}
		o.config.Join = append(o.config.Join, address)
	}
	o.config.Secret = os.Getenv(secretVariable)
	return o.serve(c)
}

func helpChat(c *console) error {
	var w bytes.Buffer
	fmt.Fprint(&w, `Usage: corolla serve chat [options]

Serves a chat with rooms until SIGINT or SIGTERM: a page at /, its WebSocket at /chat, and
numbers, as JSON, at /stats. A client that does not take what is said is dropped. It prints the
address once it listens, and logs each request on the standard error.

Options:
`)
	helpOptions(&w, new(chat).options())
	fmt.Fprint(&w, `
Rooms span the loops of a process and, with --cluster, processes and machines. Each member hears
each message once, in its sender's order; who is new hears the last 100. With --workers, SIGHUP
starts the program that is there now, and clients come back to it. Without --cluster that program
does not know what was said before.

With --cluster a message counts when most machines have it. While a machine is not connected to
most of the others, what is said on it waits: pages show it as not sent, and send it again.
--cluster is in the program of the repository's module in its folder cluster.

Examples:
  corolla serve chat --addr 127.0.0.1:8080 &
  xdg-open http://127.0.0.1:8080/
  curl http://127.0.0.1:8080/stats

  On each of the machines a, b and c, with the same secret in COROLLA_SECRET:
  corolla serve chat --addr :8080 --shards 2 --workers 2 \
      --cluster embed --join a:6222,b:6222,c:6222

Anybody who can connect can take part, under any name. For others than those at this machine,
put a server with TLS in front. Who can reach --routes can join, unless there is a secret, which
is not encrypted on its way: keep it in a network of your own.

After the first SIGINT or SIGTERM clients have 10 seconds to go, after a second one none.

Exit status: 0 after SIGINT or SIGTERM, 1 if it could not listen, or failed, 2 if the
command line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}
