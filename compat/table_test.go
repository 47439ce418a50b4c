package compat_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row is a row of a table by function of docs/models.md, named by its first cell.
type row struct {
	name  string
	test  func(e *env) error
	needs func(s *servers) *daemon // nil is nothing
}

// tables are those of docs/models.md, by their headings.
var tables = []struct {
	heading string
	rows    []row
}{
	{"On a green connection", []row{
		{"bufio, encoding/gob, encoding/json", streamsOnGreen, nil},
		{"net/textproto: `NewConn`", textprotoOnGreen, nil},
		{"net/smtp: `NewClient`", smtpOnGreen, nil},
		{"net/http: `ReadRequest`, `ReadResponse`, and a message's `Write`", httpOnGreen, nil},
		{"net/rpc: the codecs, `ServeRequest`", rpcOnGreen, nil},
		{"redigo: `Do`, `Send`, `Flush`, `Receive`", redigoOnGreen, needsRedis},
		{"redigo: `PubSubConn.Receive`", redigoPubSubOnGreen, needsRedis},
		{"redigo: a `Pool` that does not wait", redigoPoolOnGreen, needsRedis},
		{"miekg/dns: `Client.ExchangeWithConn`", dnsOnGreen, nil},
		{"gobwas/ws: `Upgrade`, wsutil", gobwasServerOnGreen, nil},
		{"gobwas/ws: `Dialer.Dial` with a context that has no end", gobwasClientOnGreen, nil},
		{"gorilla/websocket: `Dialer.Dial`, and a `Conn` of one thread", gorillaOnGreen, nil},
	}},
	{"On the face that any goroutine may use", []row{
		{"crypto/tls: `Client`, `Server`", tlsOnFace, nil},
		{"net/http: `Server`", httpServerOnFace, nil},
		{"net/http: `Transport`", httpTransportOnFace, nil},
		{"net/rpc: `Client`, `ServeConn`", rpcOnFace, nil},
		{"redigo: `DoContext`, `ReceiveContext`", redigoContextOnFace, needsRedis},
		{"go-redis", goRedisOnFace, needsRedis},
		{"pgx: `Conn`", pgxOnFace, needsPostgres},
		{"pgx: pgxpool", pgxPoolOnFace, needsPostgres},
		{"lib/pq: `Listener`", pqListenerOnFace, needsPostgres},
		{"coder/websocket: `Dial`, `Accept`", coderOnFace, nil},
		{"gobwas/ws: `Dialer.Dial` with a context that may end", gobwasOnFace, nil},
		{"miekg/dns: `Server`", dnsServerOnFace, nil},
		{"x/crypto/ssh", sshOnFace, nil},
	}},
	{"In Offload", []row{
		{"database/sql with pgx", sqlPgxOffloaded, needsPostgres},
		{"database/sql with lib/pq", sqlPqOffloaded, needsPostgres},
		{"database/sql with go-sql-driver/mysql", sqlMySQLOffloaded, needsMySQL},
		{"redigo: a `Pool` that waits", redigoPoolOffloaded, needsRedis},
		{"miekg/dns: `Client.Exchange`", dnsOffloaded, nil},
		{"net: `Resolver`", resolverOffloaded, nil},
		{"net/smtp: `SendMail`", smtpOffloaded, nil},
		{"net/http: `Get`, a `Client` without a dialer", httpOffloaded, nil},
	}},
}

func TestTables(t *testing.T) {
	s := newServers(t)
	for _, table := range tables {
		t.Run(table.heading, func(t *testing.T) {
			for _, r := range table.rows {
				t.Run(r.name, func(t *testing.T) {
					if r.needs != nil {
						r.needs(s).check(t)
					}
					onHub(t, s, r.test)
				})
			}
		})
	}
}

func models(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/models.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEachRowHasATest keeps the document's tables and the tests of one mind.
func TestEachRowHasATest(t *testing.T) {
	document := models(t)
	for _, table := range tables {
		_, section, found := strings.Cut(document, "\n#### "+table.heading+"\n")
		if !found {
			t.Errorf("docs/models.md has no table %q", table.heading)
		}
		if end := strings.Index(section, "\n#"); end >= 0 {
			section = section[:end]
		}
		var listed, tested []string
		for _, cell := range regexp.MustCompile(`(?m)^\| (.*?) \|`).FindAllStringSubmatch(section, -1) {
			listed = append(listed, cell[1])
		}
		for _, r := range table.rows {
			tested = append(tested, r.name)
		}
		if len(listed) == 0 || !slices.Equal(listed[1:], tested) { // the first one is a heading
			t.Errorf("%s:\nlisted %q\ntested %q", table.heading, listed, tested)
		}
	}
}

// TestDialerOfTheDocument keeps the function that the document shows one that compiles.
func TestDialerOfTheDocument(t *testing.T) {
	source, err := os.ReadFile("dial_test.go")
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(source), "func outside(")
	if at < 0 || !strings.Contains(models(t), "\n```go\n"+string(source[at:])+"```\n") {
		t.Error("docs/models.md does not show the dialer of dial_test.go")
	}
}
