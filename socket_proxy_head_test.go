package corolla_test

import (
	"encoding/binary"
	"hash/crc32"
	"net"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
)

const (
	signature = "\r\n\r\n\x00\r\nQUIT\n"
	ends4     = "\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb" // 192.0.2.1:56324 to 198.51.100.7:443
	ends6     = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "\xdc\x04\x01\xbb"
)

// binaryHead returns a head of version 2, with its length.
func binaryHead(command, kind byte, rest string) string {
	return signature + string([]byte{command, kind}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(rest)))) + rest
}

// summed returns a head with a checksum, off by wrong.
func summed(wrong uint32) string {
	head := []byte(binaryHead(0x21, 0x11, ends4+"\x04\x00\x01x\x03\x00\x04\x00\x00\x00\x00"))
	sum := crc32.Checksum(head, crc32.MakeTable(crc32.Castagnoli))
	return string(binary.BigEndian.AppendUint32(head[:len(head)-4], sum+wrong))
}

func unixEnds(from, to string) string {
	return from + strings.Repeat("\x00", 108-len(from)) + to + strings.Repeat("\x00", 108-len(to))
}

// goodHeads are heads and whom they announce, or nothing.
var goodHeads = map[string][3]string{
	"TCP4":          {"PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", "192.0.2.1:56324", "198.51.100.7:443"},
	"least TCP4":    {"PROXY TCP4 1.1.1.1 2.2.2.2 0 1\r\n", "1.1.1.1:0", "2.2.2.2:1"},
	"most TCP4":     {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", "255.255.255.255:65535"},
	"TCP6":          {"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", "[2001:db8::1]:56324", "[2001:db8::2]:443"},
	"least TCP6":    {"PROXY TCP6 :: ::1 1 2\r\n", "[::]:1", "[::1]:2"},
	"most TCP6":     {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	"UNKNOWN":       {"PROXY UNKNOWN\r\n", "", ""},
	"more UNKNOWN":  {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", "", ""},
	"IPv4":          {binaryHead(0x21, 0x11, ends4), "192.0.2.1:56324", "198.51.100.7:443"},
	"IPv6":          {binaryHead(0x21, 0x21, ends6), "[2001:db8::1]:56324", "[2001:db8::2]:443"},
	"Unix":          {binaryHead(0x21, 0x31, unixEnds("/run/a", "/run/b")), "/run/a", "/run/b"},
	"abstract Unix": {binaryHead(0x21, 0x31, unixEnds("\x00a", "")), "@a", ""},
	"UDP":           {binaryHead(0x21, 0x12, ends4), "", ""},
	"unspecified":   {binaryHead(0x21, 0x00, "whatever"), "", ""},
	"local":         {binaryHead(0x20, 0x00, ""), "", ""},
	"local, more":   {binaryHead(0x20, 0x11, ends4), "", ""},
	"extensions":    {binaryHead(0x21, 0x11, ends4+"\x01\x00\x02h2\x02\x00\x00\x04\x00\x01x"), "192.0.2.1:56324", "198.51.100.7:443"},
	"a checksum":    {summed(0), "192.0.2.1:56324", "198.51.100.7:443"},
	"long":          {binaryHead(0x21, 0x11, ends4+"\x04\x0f\xe1"+strings.Repeat("x", 0xfe1)), "192.0.2.1:56324", "198.51.100.7:443"},
}

// badHeads are what is no head, or has an end beyond it.
var badHeads = map[string]string{
	"HTTP":                    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"TLS":                     "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"lower case":              "proxy TCP4 1.1.1.1 2.2.2.2 1 1\r\n",
	"another word":            "PROXY TCP5 1.1.1.1 2.2.2.2 1 1\r\n",
	"no word":                 "PROXY  1.1.1.1 2.2.2.2 1 1\r\n",
	"no address":              "PROXY TCP4 1.1.1 2.2.2.2 12345 1\r\n",
	"a name":                  "PROXY TCP4 localhost 2.2.2.2 12 1\r\n",
	"IPv6 in TCP4":            "PROXY TCP4 2001:db8::1 2.2.2.2 1 1\r\n",
	"IPv4 in TCP6":            "PROXY TCP6 192.0.2.1 2001:db8::2 1 1\r\n",
	"a zone":                  "PROXY TCP6 fe80::1%eth0 2001:db8::2 1 1\r\n",
	"leading zeros":           "PROXY TCP4 01.1.1.1 2.2.2.2 10 10\r\n",
	"a port too high":         "PROXY TCP4 1.1.1.1 2.2.2.2 65536 1\r\n",
	"a negative port":         "PROXY TCP4 1.1.1.1 2.2.2.2 -1 1234\r\n",
	"a port with a zero":      "PROXY TCP4 1.1.1.1 2.2.2.2 01 1234\r\n",
	"no port":                 "PROXY TCP4 1.1.1.1 2.2.2.2 123456789\r\n",
	"two spaces":              "PROXY TCP4 1.1.1.1  2.2.2.2 1 1\r\n",
	"a space at the end":      "PROXY TCP4 1.1.1.1 2.2.2.2 1 11 \r\n",
	"more":                    "PROXY TCP4 1.1.1.1 2.2.2.2 1 1 1\r\n",
	"only a newline":          "PROXY TCP4 1.1.1.1 2.2.2.2 1 1\n" + strings.Repeat("x", 100),
	"only a return":           "PROXY TCP4 1.1.1.1 2.2.2.2 1 1\rx",
	"UNKNOWN and no end":      "PROXY UNKNOWN" + strings.Repeat(" ", 200) + "\r\n",
	"no end":                  "PROXY TCP4 " + strings.Repeat("1", 200),
	"version 1 in binary":     binaryHead(0x11, 0x11, ends4),
	"version 3":               binaryHead(0x31, 0x11, ends4),
	"an unknown command":      binaryHead(0x22, 0x11, ends4),
	"an unknown family":       binaryHead(0x21, 0x41, ends4),
	"an unknown transport":    binaryHead(0x21, 0x13, ends4),
	"addresses cut off":       binaryHead(0x21, 0x21, ends4),
	"an extension cut off":    binaryHead(0x21, 0x11, ends4+"\x01\x00\x03h2"),
	"an extension's head":     binaryHead(0x21, 0x11, ends4+"\x01\x00"),
	"a wrong checksum":        summed(1),
	"a short checksum":        binaryHead(0x21, 0x11, ends4+"\x03\x00\x01x"),
	"too long":                binaryHead(0x21, 0x11, ends4+"\x04\xff\x00"+strings.Repeat("x", 0xff00)),
	"a spoiled signature":     "\r\n\r\n\x00\r\nQUIT\r" + "\x21\x11\x00\x0c" + ends4,
	"a signature behind text": "PROXY \r\n" + signature,
}

// announced reads a head from text, in steps, and returns what it says and what is behind it.
func announced(text string) (from, to net.Addr, rest string, err error) {
	n := 0
	for {
		lacks, err := corolla.ProxyLacks([]byte(text[:n]))
		if err == nil && n+lacks > len(text) { // it is cut off
			_, err = corolla.ProxyLacks([]byte(text))
			return nil, nil, "", err
		}
		if err != nil {
			return nil, nil, "", err
		}
		if lacks == 0 {
			from, to, err = corolla.ParseProxyHead([]byte(text[:n]))
			return from, to, text[n:], err
		}
		n += lacks
	}
}

func said(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// TestProxyHeads: no byte behind a head is touched.
func TestProxyHeads(t *testing.T) {
	for name, c := range goodHeads {
		from, to, rest, err := announced(c[0] + "behind")
		if said(from) != c[1] || said(to) != c[2] || rest != "behind" || err != nil {
			t.Errorf("%s: from %v to %v, %v; left %q", name, from, to, err, rest)
		}
	}
	for name, text := range badHeads {
		if from, to, rest, err := announced(text); err == nil {
			t.Errorf("%s: from %v to %v, left %q", name, from, to, rest)
		}
	}
}

func FuzzProxyHead(f *testing.F) {
	for _, c := range goodHeads {
		f.Add(c[0])
	}
	for _, text := range badHeads {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		from, to, rest, err := announced(text)
		if err != nil && (from != nil || to != nil) {
			t.Errorf("%v, and from %v to %v", err, from, to)
		}
		if (from == nil) != (to == nil) {
			t.Errorf("from %v to %v", from, to)
		}
		if head := len(text) - len(rest); rest != "" && head > 4096 {
			t.Errorf("a head of %d bytes", head)
		}
		if a, ok := from.(*net.TCPAddr); ok && (a.Zone != "" || a.IP.To16() == nil) {
			t.Errorf("from %#v", a)
		}
	})
}
