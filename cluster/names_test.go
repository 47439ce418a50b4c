package cluster_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
)

// TestJoinByAName that has the addresses of all nodes. Each takes one of the others, and hears of the rest.
func TestJoinByAName(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		all := addresses(3)
		var ips []net.IP
		var port string
		for _, a := range all {
			host, p, err := net.SplitHostPort(a)
			must(0, err)(t)
			ips, port = append(ips, net.ParseIP(host).To4()), p
		}
		dns := must(net.ListenPacket("udp", "127.0.0.1:0"))(t)
		serving := corolla.Offload(task.Loop(), func() (int, error) { serveNames(dns, ips); return 0, nil })
		before := net.DefaultResolver
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", dns.LocalAddr().String())
		}}
		var nodes []*cluster.Conn
		for i, a := range all {
			nodes = append(nodes, embed(t, task, cluster.Name(fmt.Sprintf("n%d", i)), cluster.Routes(a), cluster.Join("nodes.corolla.test:"+port)))
		}
		for _, n := range nodes {
			until(t, task, "all nodes to meet", func() bool { return len(must(n.Peers().Await(task))(t)) == 2 })
		}
		for _, n := range nodes {
			closed(t, task, n)
		}
		net.DefaultResolver = before
		must(0, dns.Close())(t)
		must(serving.Await(task))(t)
	})
}

// serveNames answers each question (RFC 1035, section 4.1) for an address with all of them, and others with none.
func serveNames(dns net.PacketConn, ips []net.IP) {
	const (
		header  = 12
		typeA   = 1
		pointer = 0xc0 // to the name in the question, which begins behind the header
	)
	for b := make([]byte, 512); ; {
		n, from, err := dns.ReadFrom(b)
		if err != nil {
			return
		}
		end := header
		for b[end] != 0 {
			end += int(b[end]) + 1
		}
		end += 5 // the last label, the type and the class
		count := 0
		answer := append([]byte{}, b[:min(end, n)]...)
		if b[end-3] == typeA {
			count = len(ips)
		}
		for _, ip := range ips[:count] {
			answer = append(answer, pointer, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4)
			answer = append(answer, ip...)
		}
		copy(answer[2:], []byte{0x81, 0x80, 0, 1, 0, byte(count), 0, 0, 0, 0}) // an answer, without additional records
		if _, err := dns.WriteTo(answer, from); err != nil {
			return
		}
	}
}
