package web_test

import (
	"slices"
	"strconv"
	"strings"
)

const (
	get  = " HTTP/1.1\r\nHost: a.example\r\n\r\n"
	last = "GET /last" + get
)

// post is a request with a body of a length.
func post(path, body string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: a.example\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// chunked is a request whose chunks are given as they are sent.
func chunked(path, chunks string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
}

// with is a request with other fields besides.
func with(line, fields string) string {
	return line + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n\r\n"
}

type dialogue struct{ name, sent string }

// dialogues are what one client sends on one connection. Most end with a second request, whose answer
// shows that the first was delimited well.
var dialogues = append([]dialogue{
	{"one", "GET /" + get},
	{"two", "GET /one?q=1" + get + last},
	{"pipelined", strings.Repeat("GET /p"+get, 20)},
	{"half a head", "GET / HTTP/1.1\r\nHo"},
	{"nothing", ""},
	{"an empty line", "\r\n"},
	{"empty lines before", "\r\n\r\nGET /" + get},
	{"empty lines after a body", post("/", "ab") + "\r\n\r\n" + last},
	{"HEAD", "HEAD /" + get + last},
	{"HEAD of a big one", "HEAD /big" + get + last},
	{"HEAD of a length", "HEAD /length" + get + last},
	{"HEAD flushed", "HEAD /flush" + get + last},
	{"HEAD with trailers", "HEAD /trailers" + get + last},
	{"HEAD of nothing", "HEAD /empty" + get + last},
	{"OPTIONS of all", "OPTIONS *" + get + last},
	{"GET of all", "GET *" + get + last},
	{"CONNECT", with("CONNECT a.example:443", "X: y") + last},
	{"CONNECT with a path", with("CONNECT /path", "X: y") + last},
	{"an absolute target", "GET http://b.example/x?y" + get + last},
	{"an absolute target and no path", "GET http://b.example" + get + last},
	{"a method of its own", "BREW /pot" + get + last},
	{"a method in small letters", "get /" + get + last},
	{"a method that is none", "G(T /" + get + last},
	{"escapes", "GET /a%20b%2fc/../d//e;f?g%zz&h=%41#i" + get + last},
	{"bad escapes", "GET /a%zz" + get + last},
	{"bytes above 127 in a target", "GET /\xc3\xa9\xff" + get + last},
	{"a target without a slash", "GET path" + get + last},
	{"an empty target", "GET " + get + last},
	{"a target of slashes", "GET //a//b" + get + last},
	{"a fragment", "GET /a#b" + get + last},
	{"a host in a target with a user", "GET http://u:p@b.example:81/" + get},
	{"no host", "GET / HTTP/1.1\r\n\r\n" + last},
	{"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n" + last},
	{"two hosts", with("GET /", "Host: b.example") + last},
	{"a bad host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" + last},
	{"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" + last},
	{"a host with a comma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n" + last},
	{"a host of version 6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n" + last},
	{"an older version", "GET / HTTP/1.0\r\n\r\n" + last},
	{"an older version that keeps", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + last},
	{"an older version, a length, kept", "GET /length HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + last},
	{"an older version, flushed, kept", "GET /flush HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + last},
	{"an older version, big, kept", "GET /big HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + last},
	{"an older version, big", "GET /big HTTP/1.0\r\n\r\n" + last},
	{"an older version, trailers", "GET /trailers HTTP/1.0\r\n\r\n" + last},
	{"an older version, HEAD", "HEAD /big HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + last},
	{"an older version, 204", "GET /204 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + last},
	{"a later version", "GET / HTTP/1.2\r\nHost: a\r\n\r\n" + last},
	{"version 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n" + last},
	{"the preface of version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	{"version 0.9", "GET /\r\n\r\n" + last},
	{"a bad version", "GET / HTTP/x.y\r\nHost: a\r\n\r\n" + last},
	{"a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n" + last},
	{"close", with("GET /", "Connection: close") + last},
	{"close among others", with("GET /", "Connection: foo, Close ,bar") + last},
	{"close twice", with("GET /", "Connection: foo\r\nConnection: close") + last},
	{"both close and keep", with("GET /", "Connection: keep-alive, close") + last},
	{"an old keep", with("GET /", "Proxy-Connection: close\r\nKeep-Alive: 300") + last},
	{"an upgrade nobody takes", with("GET /", "Connection: Upgrade\r\nUpgrade: websocket") + last},
	{"an upgrade to version 2", with("GET /", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__") + last},
	{"a form", with("POST /form?a=1", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7") + "b=2&a=3" + last},
	{"many values", with("GET /", "A: 1\r\na: 2\r\nB:\r\nC:   spaced\t \r\nCookie: x=y; z") + last},
	{"odd names", with("GET /", "x-lower-case: 1\r\n!#$%&'*+-.^_`|~9: 2\r\nETag: 3\r\nx_under: 4\r\ncOnTeNt-LaNgUaGe: de") + last},
	{"values above 127", with("GET /", "X: \xc3\xa9\xff\x80") + last},
	{"a tab in a value", with("GET /", "X: a\tb") + last},
	{"a control in a value", with("GET /", "X: a\x01b") + last},
	{"a DEL in a value", with("GET /", "X: a\x7fb") + last},
	{"a pragma", with("GET /", "Pragma: no-cache") + last},
	{"referer and agent", with("GET /", "User-Agent: u\r\nReferer: r\r\nAccept: */*\r\nAuthorization: Basic dTpw") + last},
}, append(bodyDialogues, answerDialogues()...)...)

var bodyDialogues = []dialogue{
	{"a body", post("/", "hello") + last},
	{"an empty body", post("/", "") + last},
	{"half a body", post("/", "hello")[:60]},
	{"a body nobody reads", post("/none", strings.Repeat("x", 3000)) + last},
	{"a body partly read", post("/part", strings.Repeat("x", 3000)) + last},
	{"a body read twice", post("/twice", "hello") + last},
	{"a body that is closed", post("/closes", "hello") + last},
	{"a body over a limit", post("/limited", "hello") + last},
	{"a body up to a limit", post("/limited", "hell") + last},
	{"a body that is copied", post("/copies", strings.Repeat("copy", 1000)) + last},
	{"an answer before the body is read", post("/first", strings.Repeat("x", 3000)) + last},
	{"a GET with a body", with("GET /", "Content-Length: 3") + "abc" + last},
	{"a HEAD with a body", with("HEAD /", "Content-Length: 3") + "abc" + last},
	{"a body with CONNECT", with("CONNECT a.example:443", "Content-Length: 3") + "abc" + last},
	{"a body with TRACE", with("TRACE /", "Content-Length: 3") + "abc" + last},
	{"a POST without a length", "POST /" + get + last},
	{"a length with spaces", with("POST /", "Content-Length:  3  ") + "abc" + last},
	{"a length with a tab", with("POST /", "Content-Length:\t3\t") + "abc" + last},
	{"a length with zeros", with("POST /", "Content-Length: 003") + "abc" + last},
	{"an empty length", with("POST /", "Content-Length: ") + last},
	{"the same length twice", with("POST /", "Content-Length: 3\r\nContent-Length: 3") + "abc" + last},
	{"the same length twice in one", with("POST /", "Content-Length: 3, 3") + "abc" + last},
	{"two lengths", with("POST /", "Content-Length: 3\r\nContent-Length: 4") + "abcd" + last},
	{"a negative length", with("POST /", "Content-Length: -3") + "abc" + last},
	{"a length with a sign", with("POST /", "Content-Length: +3") + "abc" + last},
	{"a length that is too long", with("POST /", "Content-Length: 9223372036854775808") + "abc" + last},
	{"the longest length", with("POST /none", "Content-Length: 9223372036854775807") + "abc" + last},
	{"chunks", chunked("/", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") + last},
	{"no chunks", chunked("/", "0\r\n\r\n") + last},
	{"chunks nobody reads", chunked("/none", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") + last},
	{"chunks partly read", chunked("/part", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") + last},
	{"chunks with trailers", with("POST /", "Transfer-Encoding: chunked\r\nTrailer: X-A, X-B") + "3\r\nabc\r\n0\r\nX-A: 1\r\nX-C: 2\r\n\r\n" + last},
	{"chunks with trailers nobody reads", with("POST /none", "Transfer-Encoding: chunked\r\nTrailer: X-A") + "3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n" + last},
	{"trailers of an answer", with("POST /trailers", "Transfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-A") + "3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n" + last},
	{"a trailer that is not allowed", with("POST /", "Transfer-Encoding: chunked\r\nTrailer: Content-Length") + "3\r\nabc\r\n0\r\nContent-Length: 1\r\n\r\n" + last},
	{"a bad trailer", chunked("/", "3\r\nabc\r\n0\r\nX A: 1\r\n\r\n") + last},
	{"chunks with extensions", chunked("/", "3;a=b\r\nabc\r\n1 ; c=\"d;e\"\r\nx\r\n0;f\r\n\r\n") + last},
	{"chunks with zeros and capitals", chunked("/", "00A\r\n0123456789\r\n00b\r\n0123456789a\r\n000\r\n\r\n") + last},
	{"chunks cut off", chunked("/", "5\r\nhel")},
	{"a chunk without a size", chunked("/", "\r\nabc\r\n0\r\n\r\n") + last},
	{"a chunk without its end", chunked("/", "3\r\nabcd\r\n0\r\n\r\n") + last},
	{"a chunk with a bad size", chunked("/", "3g\r\nabc\r\n0\r\n\r\n") + last},
	{"a chunk that is too large", chunked("/", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n") + last},
	{"a large chunk", chunked("/", "7fffffffffffffff\r\nabc\r\n0\r\n\r\n") + last},
	{"bad chunks nobody reads", chunked("/none", "zz\r\nabc\r\n0\r\n\r\n") + last},
	{"a coding in capitals", with("POST /", "Transfer-Encoding: CHUNKED") + "3\r\nabc\r\n0\r\n\r\n" + last},
	{"an unknown coding", with("POST /", "Transfer-Encoding: gzip") + last},
	{"two codings", with("POST /", "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n" + last},
	{"chunked twice", with("POST /", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") + "0\r\n\r\n" + last},
	{"identity", with("POST /", "Transfer-Encoding: identity") + last},
	{"both framings", with("POST /", "Content-Length: 3\r\nTransfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n" + last},
	{"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + last},
	{"expects to go on", with("POST /", "Expect: 100-continue\r\nContent-Length: 3") + "abc" + last},
	{"expects in capitals", with("POST /", "Expect: 100-CONTINUE\r\nContent-Length: 3") + "abc" + last},
	{"expects and has no body", with("POST /", "Expect: 100-continue") + last},
	{"expects with chunks", with("POST /", "Expect: 100-continue\r\nTransfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n" + last},
	{"expects and nobody reads", with("POST /none", "Expect: 100-continue\r\nContent-Length: 3") + "abc" + last},
	{"expects and the answer is first", with("POST /first", "Expect: 100-continue\r\nContent-Length: 3") + "abc" + last},
	{"expects and it is partly read", with("POST /part", "Expect: 100-continue\r\nContent-Length: 9") + "abcdefghi" + last},
	{"expects in HTTP/1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + last},
	{"expects something else", with("POST /", "Expect: a miracle\r\nContent-Length: 3") + "abc" + last},
	{"expects more than one", with("POST /", "Expect: 100-continue, x\r\nContent-Length: 3") + "abc" + last},
}

// answerDialogues ask for every behaviour, in the ways that matter to an answer.
func answerDialogues() (all []dialogue) {
	for name := range behaviours {
		all = append(all,
			dialogue{"GET of " + name, "GET /" + name + get + last},
			dialogue{"HEAD of each: " + name, "HEAD /" + name + get + last},
			dialogue{"POST to " + name, post("/"+name, "hello") + last},
			dialogue{"chunks to " + name, chunked("/"+name, "3\r\nabc\r\n0\r\n\r\n") + last},
			dialogue{"closing after " + name, with("GET /"+name, "Connection: close") + last},
			dialogue{"HTTP/1.0 of " + name, "GET /" + name + " HTTP/1.0\r\n\r\n"},
			dialogue{"HTTP/1.0 kept after " + name, "GET /" + name + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + last},
		)
	}
	slices.SortFunc(all, func(a, b dialogue) int { return strings.Compare(a.name, b.name) })
	return all
}
