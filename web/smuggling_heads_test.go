package web_test

import "strings"

// coded is a request with chunks.
func coded(chunks string) string { return to("Transfer-Encoding: chunked", chunks) }

// An error in a chunk is found when the handler has been called: it sees that the body is broken, and the
// connection ends behind its answer.
const (
	broken      = `POST / ""! closed | ` + noBody + "! " + refused + " | " + refused
	brokenLater = `POST / "abc"! closed | POST / "abc"! ` + refused
	abc         = `POST / "abc"`
)

// chunkings are chunks whose ends parsers see at different places.
var chunkings = []unsafe{
	{"a chunk", "RFC 9112 7.1", coded("3\r\nabc\r\n0\r\n\r\n" + next), abc + follows + open},
	{"zeros before the size", "RFC 9112 7.1", coded("0000003\r\nabc\r\n000\r\n\r\n" + next), abc + follows + open},
	{"many zeros before the size", "a limit is allowed", coded(strings.Repeat("0", 40) + "3\r\nabc\r\n0\r\n\r\n" + next), abc + follows + open + " | " + broken},
	{"a size of 17 digits", "RFC 9112 7.1: overflow", coded("10000000000000003\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a size of 16 digits", "RFC 9112 7.1: overflow", coded("fffffffffffffff6\r\nabc\r\n0\r\n\r\n" + smuggled), broken + ` | POST / "abc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"! open`},
	{"a size with 0x", "RFC 9112 7.1", coded("0x3\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a size with a plus", "RFC 9112 7.1", coded("+3\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a size with a minus", "RFC 9112 7.1", coded("-3\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"minus zero", "RFC 9112 7.1", coded("-0\r\n\r\n" + smuggled), broken},
	{"a size with an underscore", "RFC 9112 7.1", coded("0_3\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a space before the size", "RFC 9112 7.1", coded(" 3\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a tab before the size", "RFC 9112 7.1", coded("\t3\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a space behind the size", "seen in the wild; RFC 9112 7.1.1 has it before an extension only", coded("3 \r\nabc\r\n0\r\n\r\n" + next), abc + follows + open + " | " + broken},
	{"no size", "RFC 9112 7.1", coded("\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"no size, but an extension", "RFC 9112 7.1", coded(";a\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"letters that are no digits", "RFC 9112 7.1", coded("3g\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a NUL behind the size", "RFC 9112 7.1", coded("3\x00\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a comma behind the size", "RFC 9112 7.1", coded("3,3\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a size behind a bare LF", "RFC 9112 2.2 is of heads, not of chunks", coded("3\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a size behind a bare CR", "RFC 9112 2.2", coded("3\rabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a bare CR in the line", "RFC 9112 2.2", coded("3\r;a\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"two CRs behind the size", "RFC 9112 2.2", coded("3\r\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"a bare LF behind the data", "RFC 9112 7.1: TERM.EXT", coded("3\r\nabc\n0\r\n\r\n" + smuggled), brokenLater},
	{"nothing behind the data", "RFC 9112 7.1", coded("3\r\nabc0\r\n\r\n" + smuggled), brokenLater},
	{"data longer than the size", "RFC 9112 7.1; llhttp", coded("3\r\nabcdef\r\n0\r\n\r\n" + smuggled), brokenLater},
	{"two bytes for CRLF", "they must be looked at: CVE-2022-32213", coded("3\r\nabcXX0\r\n\r\n" + smuggled), brokenLater},
	{"CR and another byte", "RFC 9112 7.1", coded("3\r\nabc\rX0\r\n\r\n" + smuggled), brokenLater},
	{"an extension", "RFC 9112 7.1.1", coded("3;a=b\r\nabc\r\n0;c\r\n\r\n" + next), abc + follows + open},
	{"an extension with a string", "RFC 9112 7.1.1", coded("3;a=\"b;c\"\r\nabc\r\n0\r\n\r\n" + next), abc + follows + open},
	{"white space around an extension", "RFC 9112 7.1.1: bad, and net/http refuses it", coded("3 ; a = b\r\nabc\r\n0\r\n\r\n" + next), abc + follows + open + " | " + broken},
	{"a space in a trailer's name", "RFC 9110 5.1", coded("3\r\nabc\r\n0\r\nX Y: z\r\n\r\n" + smuggled), brokenLater},
	{"an extension with LF in it", "TERM.EXT, CVE-2024-12397: a line ends at CRLF", coded("3;a\nxx\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"an extension with LF in a string", "the same", coded("3;a=\"\nxx\"\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"an extension with CRLF in a string", "RFC 9110 5.6.4 has none in strings", coded("3;a=\"\r\nabc\r\n0\r\n\r\n" + next), abc + follows + open + " | " + broken},
	{"an extension with CR in it", "RFC 9112 2.2", coded("3;a\rb\r\nabc\r\n0\r\n\r\n" + smuggled), broken},
	{"an extension with NUL in it", "RFC 9112 7.1.1", coded("3;a\x00b\r\nabc\r\n0\r\n\r\n" + next), broken + " | " + abc + follows + open},
	{"a bare LF behind the last chunk", "RFC 9112 7.1", coded("3\r\nabc\r\n0\n\r\n" + smuggled), brokenLater},
	{"a bare LF behind the trailers", "RFC 9112 7.1", coded("3\r\nabc\r\n0\r\n\n" + smuggled), brokenLater + " | " + abc + closing},
	{"no CRLF behind the last chunk", "RFC 9112 7.1: what follows is a trailer", coded("3\r\nabc\r\n0\r\n" + smuggled), brokenLater + " | " + abc + closing},
	{"a trailer", "RFC 9112 7.1.2", coded("3\r\nabc\r\n0\r\nX: y\r\n\r\n" + next), abc + follows + open},
	{"a length as a trailer", "RFC 9110 6.5.1: it is none, or an error", coded("3\r\nabc\r\n0\r\nContent-Length: 35\r\n\r\n" + next), abc + follows + open + " | " + brokenLater},
	{"a coding as a trailer", "RFC 9110 6.5.1", coded("3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n" + next), abc + follows + open + " | " + brokenLater},
	{"a host as a trailer", "RFC 9110 6.5.1", coded("3\r\nabc\r\n0\r\nHost: b\r\n\r\n" + next), abc + follows + open + " | " + brokenLater},
	{"a trailer without a colon", "RFC 9112 5", coded("3\r\nabc\r\n0\r\nX\r\n\r\n" + smuggled), brokenLater},
	{"a trailer with a space before the colon", "RFC 9112 5.1", coded("3\r\nabc\r\n0\r\nX : y\r\n\r\n" + smuggled), brokenLater},
	{"a folded trailer", "RFC 9112 5.2", coded("3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n" + smuggled), brokenLater},
	{"a trailer with a bare CR", "RFC 9112 2.2", coded("3\r\nabc\r\n0\r\nX: y\rZ: 1\r\n\r\n" + smuggled), brokenLater},
	{"a trailer with a NUL", "RFC 9110 5.5", coded("3\r\nabc\r\n0\r\nX: \x00\r\n\r\n" + smuggled), brokenLater},
	{"a trailer behind a bare LF", "RFC 9112 2.2", coded("3\r\nabc\r\n0\r\nX: y\n\r\n" + smuggled), brokenLater},
	{"chunks cut off", "RFC 9112 8", coded("3\r\nab"), `POST / "ab"! open`},
	{"no chunks at all", "RFC 9112 8", coded(""), noBody + "! open"},
}

// line is a request line with the fields that a request needs.
func line(l string) string { return l + "\r\nHost: a\r\n\r\n" }

const root = `GET / ""`

// lines are request lines.
var lines = []unsafe{
	{"CRLF before it", "RFC 9112 2.2: SHOULD ignore one", "\r\n" + line("GET / HTTP/1.1"), root + open + " | " + refused},
	{"LF before it", "RFC 9112 2.2", "\n" + line("GET / HTTP/1.1"), refused + " | " + root + open},
	{"CR before it", "RFC 9112 2.2", "\r" + line("GET / HTTP/1.1"), refused},
	{"a space before it", "RFC 9112 3", " " + line("GET / HTTP/1.1"), refused},
	{"a NUL before it", "RFC 9112 3", "\x00" + line("GET / HTTP/1.1"), refused},
	{"a byte order mark before it", "RFC 9112 3", "\xef\xbb\xbf" + line("GET / HTTP/1.1"), refused},
	{"TLS", "it is not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 80) + "\r\n\r\n", refused},
	{"two spaces behind the method", "RFC 9112 3: lenient parsers can be fooled", line("GET  / HTTP/1.1"), refused},
	{"two spaces behind the target", "RFC 9112 3", line("GET /  HTTP/1.1"), refused},
	{"a tab behind the method", "RFC 9112 3", line("GET\t/ HTTP/1.1"), refused},
	{"a tab behind the target", "RFC 9112 3", line("GET /\tHTTP/1.1"), refused},
	{"a vertical tab behind the method", "RFC 9112 3", line("GET\x0b/ HTTP/1.1"), refused},
	{"a space at the end", "RFC 9112 3", line("GET / HTTP/1.1 "), refused},
	{"a space in the target", "RFC 9112 3.2: SHOULD be refused", line("GET /a b HTTP/1.1"), refused},
	{"a request in the target", "the same", line("GET / HTTP/1.1 HTTP/1.1"), refused},
	{"a CR in the line", "RFC 9112 2.2", line("GET /a\rb HTTP/1.1"), refused},
	{"a CR as a space", "RFC 9112 3", line("GET\r/ HTTP/1.1"), refused},
	{"a bare LF behind the line", "RFC 9112 2.2 lets it be an end", "GET / HTTP/1.1\nHost: a\r\n\r\n", refused + " | " + root + open},
	{"a NUL in the target", "RFC 3986", line("GET /a\x00b HTTP/1.1"), refused},
	{"a DEL in the target", "RFC 3986", line("GET /a\x7fb HTTP/1.1"), refused},
	{"an empty method", "RFC 9110 9.1", line(" / HTTP/1.1"), refused},
	{"a method with a colon", "RFC 9110 9.1", line("GET: / HTTP/1.1"), refused},
	{"a method with a NUL", "RFC 9110 9.1", line("G\x00T / HTTP/1.1"), refused},
	{"a method above 127", "RFC 9110 9.1", line("G\xc3T / HTTP/1.1"), refused},
	{"no version", "HTTP/0.9 is gone", "GET /\r\n\r\n" + smuggled, refused},
	{"no version, but a space", "HTTP/0.9 is gone", "GET / \r\n\r\n" + smuggled, refused + " | 505 closed"},
	{"no target", "RFC 9112 3", line("GET HTTP/1.1"), refused},
	{"version 0.9", "RFC 9110 15.6.6", line("GET / HTTP/0.9") + smuggled, "505 closed | " + refused},
	{"version 1.2", "RFC 9110 2.5: it is 1.1 and more", line("GET / HTTP/1.2"), root + open + " | 505 closed | " + refused},
	{"version 2.0", "RFC 9110 15.6.6", line("GET / HTTP/2.0") + smuggled, "505 closed | " + refused},
	{"version 3.7", "RFC 9110 15.6.6", line("GET / HTTP/3.7") + smuggled, "505 closed | " + refused},
	{"version 1.10", "RFC 9110 2.5: one digit", line("GET / HTTP/1.10") + smuggled, refused + " | 505 closed"},
	{"version 01.1", "RFC 9110 2.5: one digit", line("GET / HTTP/01.1") + smuggled, refused + " | 505 closed"},
	{"version 1", "RFC 9112 2.3", line("GET / HTTP/1") + smuggled, refused + " | 505 closed"},
	{"version 1.", "RFC 9112 2.3", line("GET / HTTP/1.") + smuggled, refused + " | 505 closed"},
	{"version 1.x", "RFC 9112 2.3", line("GET / HTTP/1.x") + smuggled, refused + " | 505 closed"},
	{"version 1,1", "RFC 9112 2.3", line("GET / HTTP/1,1") + smuggled, refused + " | 505 closed"},
	{"version 1.+1", "RFC 9112 2.3", line("GET / HTTP/1.+1") + smuggled, refused + " | 505 closed"},
	{"small letters", "RFC 9112 2.3: the name has a case", line("GET / http/1.1") + smuggled, refused + " | 505 closed"},
	{"another protocol", "RFC 9112 2.3", line("GET / ICE/1.0") + smuggled, refused + " | 505 closed"},
	{"an absolute target", "RFC 9112 3.2.2", "GET http://b/x HTTP/1.1\r\nHost: b\r\n\r\n", `GET http://b/x ""` + open},
	{"an absolute target, and another host", "RFC 9112 3.2.2: the target counts", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", `GET http://b/x ""` + open},
	{"an absolute target, and no host", "RFC 9112 3.2: Host is needed", "GET http://b/x HTTP/1.1\r\n\r\n" + smuggled, refused},
	{"CONNECT", "RFC 9110 9.3.6", "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n" + next, `CONNECT b:443 ""` + follows + open + " | CONNECT b:443 \"\" closed | 405 closed | 501 closed"},
	{"an asterisk", "RFC 9112 3.2.4", line("OPTIONS * HTTP/1.1"), "200 open | OPTIONS * \"\" open"},
	{"an asterisk for GET", "RFC 9112 3.2.4: for OPTIONS only", line("GET * HTTP/1.1"), refused + " | GET * \"\" open"},
	{"a target without a slash", "RFC 9112 3.2.1", line("GET path HTTP/1.1"), refused},
	{"a query for a path", "RFC 9112 3.2.1", line("GET ?q HTTP/1.1"), refused},
	{"a long target", "RFC 9112 3: 8000 bytes SHOULD be taken", line("GET /" + strings.Repeat("a", 7980) + " HTTP/1.1"), "GET /" + strings.Repeat("a", 7980) + ` ""` + open},
	{"a target that is too long", "RFC 9112 3: 414", line("GET /"+strings.Repeat("a", 2<<20)+" HTTP/1.1") + smuggled, "414 closed | 431 closed"},
	{"a method that is too long", "RFC 9112 3: 501", line(strings.Repeat("A", 2<<20)+" / HTTP/1.1") + smuggled, "414 closed | 431 closed | 501 closed | " + refused},
	{"a line that never ends", "bounded", strings.Repeat("A", 2<<20), "414 closed | 431 closed | 501 closed | " + refused},
}
