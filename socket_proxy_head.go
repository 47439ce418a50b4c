package corolla

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Heads of the PROXY protocol. Version 1 is a line of text, version 2 is binary:
//
//	PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n
//
//	bytes 0-11  a signature, in which a text protocol would find lines that it refuses
//	12          version (4 bits), command (4 bits)
//	13          family of addresses (4 bits), kind of transport (4 bits)
//	14-15       length of what follows
//	16-         addresses and ports, source before destination, and then extensions, each of a type
//	            (1 byte), a length (2 bytes) and a value

const (
	proxyV1       = "PROXY "
	proxyV2       = "\r\n\r\n\x00\r\nQUIT\n"
	proxyV1Least  = len("PROXY UNKNOWN\r\n")
	proxyV1Most   = 107
	proxyV2Fixed  = 16
	proxyV2Most   = 4 << 10
	proxyChecksum = 3 // type of an extension: CRC-32C of the head, in which these 4 bytes are zero
)

var (
	errProxyHead   = errors.New("not of the PROXY protocol")
	errProxyLong   = errors.New("a PROXY head that is too long")
	errProxyBroken = errors.New("a malformed PROXY head")
)

// proxyLacks says how many more bytes of a head, of which the beginning has been read, there are at
// least: 0 if it is whole.
func proxyLacks(head []byte) (int, error) {
	n := len(head)
	v1 := string(head[:min(n, len(proxyV1))]) == proxyV1[:min(n, len(proxyV1))]
	v2 := string(head[:min(n, len(proxyV2))]) == proxyV2[:min(n, len(proxyV2))]
	switch {
	case !v1 && !v2:
		return 0, errProxyHead
	case n < proxyV1Least: // shorter than any of version 2
		return proxyV1Least - n, nil
	case v2 && n < proxyV2Fixed:
		return proxyV2Fixed - n, nil
	case v2:
		whole := proxyV2Fixed + int(binary.BigEndian.Uint16(head[14:]))
		if whole > proxyV2Most {
			return 0, fmt.Errorf("%w: %d bytes", errProxyLong, whole)
		}
		return whole - n, nil
	}
	switch end := bytes.IndexByte(head, '\r'); {
	case end < 0 && n >= proxyV1Most-1:
		return 0, fmt.Errorf("%w: no end of the line in %d bytes", errProxyLong, n)
	case end < 0:
		return 2, nil // "\r\n" at least
	case end == n-1:
		return 1, nil
	case end < n-2 || head[n-1] != '\n':
		return 0, fmt.Errorf("%w: a line that does not end with \\r\\n", errProxyBroken)
	}
	return 0, nil
}

// parseProxyHead returns the addresses that a whole head announces, or nil if those of the connection
// itself hold.
func parseProxyHead(head []byte) (from, to net.Addr, err error) {
	if line, ok := strings.CutPrefix(string(head), proxyV1); ok {
		return parseProxyLine(strings.TrimSuffix(line, "\r\n"))
	}
	return parseProxyBinary(head)
}

func parseProxyLine(line string) (from, to net.Addr, err error) {
	f := strings.Split(line, " ")
	if f[0] == "UNKNOWN" {
		return nil, nil, nil // whatever follows
	}
	if len(f) != 5 || f[0] != "TCP4" && f[0] != "TCP6" {
		return nil, nil, fmt.Errorf("%w: %q", errProxyBroken, line)
	}
	var ends [2]*net.TCPAddr
	for i := range ends {
		ip, err := netip.ParseAddr(f[1+i])
		if err != nil || ip.Zone() != "" || ip.Is4() != (f[0] == "TCP4") {
			return nil, nil, fmt.Errorf("%w: %q is no address of %s", errProxyBroken, f[1+i], f[0])
		}
		port, err := strconv.ParseUint(f[3+i], 10, 16)
		if err != nil || strconv.FormatUint(port, 10) != f[3+i] {
			return nil, nil, fmt.Errorf("%w: %q is no port", errProxyBroken, f[3+i])
		}
		ends[i] = &net.TCPAddr{IP: ip.AsSlice(), Port: int(port)}
	}
	return ends[0], ends[1], nil
}

func parseProxyBinary(head []byte) (from, to net.Addr, err error) {
	command, kind, rest := head[12], head[13], head[proxyV2Fixed:]
	size, known := map[byte]int{
		0x11: 12,      // TCP over IPv4
		0x12: 12,      // UDP
		0x21: 36,      // TCP over IPv6
		0x22: 36,      // UDP
		0x31: 2 * 108, // a Unix socket, of streams
		0x32: 2 * 108, // of datagrams
	}[kind]
	switch {
	case command != 0x20 && command != 0x21:
		return nil, nil, fmt.Errorf("%w: version and command %#x", errProxyBroken, command)
	case command == 0x20, kind == 0: // the proxy itself, or for whom it does not know
		return nil, nil, nil
	case !known:
		return nil, nil, fmt.Errorf("%w: family and transport %#x", errProxyBroken, kind)
	case len(rest) < size:
		return nil, nil, fmt.Errorf("%w: %d bytes for addresses of %d", errProxyBroken, len(rest), size)
	}
	if err := checkProxyExtensions(head, rest[size:]); err != nil {
		return nil, nil, err
	}
	ends := rest[:size]
	switch kind {
	case 0x11:
		return proxyTCP(ends[0:4], ends[8:10]), proxyTCP(ends[4:8], ends[10:12]), nil
	case 0x21:
		return proxyTCP(ends[0:16], ends[32:34]), proxyTCP(ends[16:32], ends[34:36]), nil
	case 0x31:
		return proxyUnix(ends[:108]), proxyUnix(ends[108:]), nil
	}
	return nil, nil, nil // nothing that a stream can have come by
}

func proxyTCP(ip, port []byte) *net.TCPAddr {
	return &net.TCPAddr{IP: bytes.Clone(ip), Port: int(binary.BigEndian.Uint16(port))}
}

// proxyUnix returns a Unix socket's name, which is filled up with zeros; that of an abstract one begins
// with a zero.
func proxyUnix(name []byte) *net.UnixAddr {
	abstract := name[0] == 0 && len(bytes.TrimRight(name, "\x00")) > 0
	if abstract {
		return &net.UnixAddr{Net: "unix", Name: "@" + string(bytes.TrimRight(name[1:], "\x00"))}
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	return &net.UnixAddr{Net: "unix", Name: string(name)}
}

// checkProxyExtensions checks that the extensions are whole, and the checksum if there is one.
func checkProxyExtensions(head, rest []byte) error {
	for len(rest) > 0 {
		if len(rest) < 3 || len(rest)-3 < int(binary.BigEndian.Uint16(rest[1:])) {
			return fmt.Errorf("%w: an extension is cut off", errProxyBroken)
		}
		value := rest[3:][:binary.BigEndian.Uint16(rest[1:])]
		if rest[0] == proxyChecksum {
			if len(value) != 4 {
				return fmt.Errorf("%w: a checksum of %d bytes", errProxyBroken, len(value))
			}
			want := binary.BigEndian.Uint32(value)
			clear(value) // as it was when the sum was made
			if got := crc32.Checksum(head, crc32.MakeTable(crc32.Castagnoli)); got != want {
				return fmt.Errorf("%w: its checksum is %#x, not %#x", errProxyBroken, got, want)
			}
			binary.BigEndian.PutUint32(value, want)
		}
		rest = rest[3+len(value):]
	}
	return nil
}
