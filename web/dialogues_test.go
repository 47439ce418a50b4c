package web_test

import (
	"slices"
	"strconv"
	"strings"
)

const (
	hosted = " HTTP/1.1\r\nHost: a.example\r\n\r\n"
	second = "GET /last" + hosted
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
	{"one", "GET /" + hosted},
	{"two", "GET /one?q=1" + hosted + second},
	{"pipelined", strings.Repeat("GET /p"+hosted, 20)},
	{"half a head", "GET / HTTP/1.1\r\nHo"},
	{"nothing", ""},
	{"an empty line", "\r\n"},
	{"empty lines before", "\r\n\r\nGET /" + hosted},
	{"empty lines after a body", post("/", "ab") + "\r\n\r\n" + second},
	{"HEAD", "HEAD /" + hosted + second},
	{"HEAD of a big one", "HEAD /big" + hosted + second},
	{"HEAD of a length", "HEAD /length" + hosted + second},
	{"HEAD flushed", "HEAD /flush" + hosted + second},
	{"HEAD with trailers", "HEAD /trailers" + hosted + second},
	{"HEAD of nothing", "HEAD /empty" + hosted + second},
	{"OPTIONS of all", "OPTIONS *" + hosted + second},
	{"GET of all", "GET *" + hosted + second},
	{"CONNECT", with("CONNECT a.example:443", "X: y") + second},
	{"CONNECT with a path", with("CONNECT /path", "X: y") + second},
	{"an absolute target", "GET http://b.example/x?y" + hosted + second},
	{"an absolute target and no path", "GET http://b.example" + hosted + second},
	{"a method of its own", "BREW /pot" + hosted + second},
	{"a method in small letters", "get /" + hosted + second},
	{"a method that is none", "G(T /" + hosted + second},
	{"escapes", "GET /a%20b%2fc/../d//e;f?g%zz&h=%41#i" + hosted + second},
	{"bad escapes", "GET /a%zz" + hosted + second},
	{"bytes above 127 in a target", "GET /\xc3\xa9\xff" + hosted + second},
	{"a target without a slash", "GET path" + hosted + second},
	{"an empty target", "GET " + hosted + second},
	{"a target of slashes", "GET //a//b" + hosted + second},
	{"a fragment", "GET /a#b" + hosted + second},
	{"a host in a target with a user", "GET http://u:p@b.example:81/" + hosted},
	{"no host", "GET / HTTP/1.1\r\n\r\n" + second},
	{"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n" + second},
	{"two hosts", with("GET /", "Host: b.example") + second},
	{"a bad host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" + second},
	{"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" + second},
	{"a host with a comma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n" + second},
	{"a host of version 6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n" + second},
	{"an older version", "GET / HTTP/1.0\r\n\r\n" + second},
	{"an older version that keeps", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + second},
	{"an older version, a length, kept", "GET /length HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + second},
	{"an older version, flushed, kept", "GET /flush HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + second},
	{"an older version, big, kept", "GET /big HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + second},
	{"an older version, big", "GET /big HTTP/1.0\r\n\r\n" + second},
	{"an older version, trailers", "GET /trailers HTTP/1.0\r\n\r\n" + second},
	{"an older version, HEAD", "HEAD /big HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + second},
	{"an older version, 204", "GET /204 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + second},
	{"a later version", "GET / HTTP/1.2\r\nHost: a\r\n\r\n" + second},
	{"version 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n" + second},
	{"the preface of version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	{"version 0.9", "GET /\r\n\r\n" + second},
	{"a bad version", "GET / HTTP/x.y\r\nHost: a\r\n\r\n" + second},
	{"a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n" + second},
	{"close", with("GET /", "Connection: close") + second},
	{"close among others", with("GET /", "Connection: foo, Close ,bar") + second},
	{"close twice", with("GET /", "Connection: foo\r\nConnection: close") + second},
	{"both close and keep", with("GET /", "Connection: keep-alive, close") + second},
	{"an old keep", with("GET /", "Proxy-Connection: close\r\nKeep-Alive: 300") + second},
	{"an upgrade nobody takes", with("GET /", "Connection: Upgrade\r\nUpgrade: websocket") + second},
	{"an upgrade to version 2", with("GET /", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__") + second},
	{"a form", with("POST /form?a=1", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7") + "b=2&a=3" + second},
	{"many values", with("GET /", "A: 1\r\na: 2\r\nB:\r\nC:   spaced\t \r\nCookie: x=y; z") + second},
	{"odd names", with("GET /", "x-lower-case: 1\r\n!#$%&'*+-.^_`|~9: 2\r\nETag: 3\r\nx_under: 4\r\ncOnTeNt-LaNgUaGe: de") + second},
	{"values above 127", with("GET /", "X: \xc3\xa9\xff\x80") + second},
	{"a tab in a value", with("GET /", "X: a\tb") + second},
	{"a control in a value", with("GET /", "X: a\x01b") + second},
	{"a DEL in a value", with("GET /", "X: a\x7fb") + second},
	{"a pragma", with("GET /", "Pragma: no-cache") + second},
	{"referer and agent", with("GET /", "User-Agent: u\r\nReferer: r\r\nAccept: */*\r\nAuthorization: Basic dTpw") + second},
}, append(bodyDialogues, answerDialogues()...)...)

var bodyDialogues = []dialogue{
	{"a body", post("/", "hello") + second},
	{"an empty body", post("/", "") + second},
	{"half a body", strings.TrimSuffix(post("/", "hello"), "lo")},
	{"half a body of chunks", chunked("/", "5\r\nhel")},
	{"a trailer that was not announced", chunked("/", "3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n") + second},
	{"a body nobody reads", post("/none", strings.Repeat("x", 3000)) + second},
	{"a body partly read", post("/part", strings.Repeat("x", 3000)) + second},
	{"a body read twice", post("/twice", "hello") + second},
	{"a body that is closed", post("/closes", "hello") + second},
	{"a body over a limit", post("/limited", "hello") + second},
	{"a body up to a limit", post("/limited", "hell") + second},
	{"a body that is copied", post("/copies", strings.Repeat("copy", 1000)) + second},
	{"an answer before the body is read", post("/first", strings.Repeat("x", 3000)) + second},
	{"a GET with a body", with("GET /", "Content-Length: 3") + "abc" + second},
	{"a HEAD with a body", with("HEAD /", "Content-Length: 3") + "abc" + second},
	{"a body with CONNECT", with("CONNECT a.example:443", "Content-Length: 3") + "abc" + second},
	{"a body with TRACE", with("TRACE /", "Content-Length: 3") + "abc" + second},
	{"a POST without a length", "POST /" + hosted + second},
	{"a length with spaces", with("POST /", "Content-Length:  3  ") + "abc" + second},
	{"a length with a tab", with("POST /", "Content-Length:\t3\t") + "abc" + second},
	{"a length with zeros", with("POST /", "Content-Length: 003") + "abc" + second},
	{"an empty length", with("POST /", "Content-Length: ") + second},
	{"the same length twice", with("POST /", "Content-Length: 3\r\nContent-Length: 3") + "abc" + second},
	{"the same length twice in one", with("POST /", "Content-Length: 3, 3") + "abc" + second},
	{"two lengths", with("POST /", "Content-Length: 3\r\nContent-Length: 4") + "abcd" + second},
	{"a negative length", with("POST /", "Content-Length: -3") + "abc" + second},
	{"a length with a sign", with("POST /", "Content-Length: +3") + "abc" + second},
	{"a length that is too long", with("POST /", "Content-Length: 9223372036854775808") + "abc" + second},
	{"the longest length", with("POST /none", "Content-Length: 9223372036854775807") + "abc" + second},
	{"chunks", chunked("/", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") + second},
	{"no chunks", chunked("/", "0\r\n\r\n") + second},
	{"chunks nobody reads", chunked("/none", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") + second},
	{"chunks partly read", chunked("/part", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") + second},
	{"chunks with trailers", with("POST /", "Transfer-Encoding: chunked\r\nTrailer: X-A, X-B") + "3\r\nabc\r\n0\r\nX-A: 1\r\nX-C: 2\r\n\r\n" + second},
	{"chunks with trailers nobody reads", with("POST /none", "Transfer-Encoding: chunked\r\nTrailer: X-A") + "3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n" + second},
	{"trailers of an answer", with("POST /trailers", "Transfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-A") + "3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n" + second},
	{"a trailer that is not allowed", with("POST /", "Transfer-Encoding: chunked\r\nTrailer: Content-Length") + "3\r\nabc\r\n0\r\nContent-Length: 1\r\n\r\n" + second},
	{"chunks with extensions", chunked("/", "3;a=b\r\nabc\r\n1 ; c=\"d;e\"\r\nx\r\n0;f\r\n\r\n") + second},
	{"chunks with zeros and capitals", chunked("/", "00A\r\n0123456789\r\n00b\r\n0123456789a\r\n000\r\n\r\n") + second},
	{"chunks cut off", chunked("/", "5\r\nhel")},
	{"a chunk without a size", chunked("/", "\r\nabc\r\n0\r\n\r\n") + second},
	{"a chunk without its end", chunked("/", "3\r\nabcd\r\n0\r\n\r\n") + second},
	{"a chunk with a bad size", chunked("/", "3g\r\nabc\r\n0\r\n\r\n") + second},
	{"a chunk that is too large", chunked("/", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n") + second},
	{"a large chunk", chunked("/", "7fffffffffffffff\r\nabc\r\n0\r\n\r\n") + second},
	{"bad chunks nobody reads", chunked("/none", "zz\r\nabc\r\n0\r\n\r\n") + second},
	{"a coding in capitals", with("POST /", "Transfer-Encoding: CHUNKED") + "3\r\nabc\r\n0\r\n\r\n" + second},
	{"an unknown coding", with("POST /", "Transfer-Encoding: gzip") + second},
	{"two codings", with("POST /", "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n" + second},
	{"chunked twice", with("POST /", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") + "0\r\n\r\n" + second},
	{"identity", with("POST /", "Transfer-Encoding: identity") + second},
	{"both framings", with("POST /", "Content-Length: 3\r\nTransfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n" + second},
	{"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + second},
	{"expects to go on", with("POST /", "Expect: 100-continue\r\nContent-Length: 3") + "abc" + second},
	{"expects in capitals", with("POST /", "Expect: 100-CONTINUE\r\nContent-Length: 3") + "abc" + second},
	{"expects and has no body", with("POST /", "Expect: 100-continue") + second},
	{"expects with chunks", with("POST /", "Expect: 100-continue\r\nTransfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n" + second},
	{"expects and nobody reads", with("POST /none", "Expect: 100-continue\r\nContent-Length: 3") + "abc" + second},
	{"expects and the answer is first", with("POST /first", "Expect: 100-continue\r\nContent-Length: 3") + "abc" + second},
	{"expects and it is partly read", with("POST /part", "Expect: 100-continue\r\nContent-Length: 9") + "abcdefghi" + second},
	{"expects in HTTP/1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + second},
	{"expects something else", with("POST /", "Expect: a miracle\r\nContent-Length: 3") + "abc" + second},
	{"expects more than one", with("POST /", "Expect: 100-continue, x\r\nContent-Length: 3") + "abc" + second},
}

// answerDialogues ask for every behaviour, in the ways that matter to an answer.
func answerDialogues() (all []dialogue) {
	for name := range behaviours {
		all = append(all,
			dialogue{"GET of " + name, "GET /" + name + hosted + second},
			dialogue{"HEAD of each: " + name, "HEAD /" + name + hosted + second},
			dialogue{"POST to " + name, post("/"+name, "hello") + second},
			dialogue{"chunks to " + name, chunked("/"+name, "3\r\nabc\r\n0\r\n\r\n") + second},
			dialogue{"closing after " + name, with("GET /"+name, "Connection: close") + second},
			dialogue{"HTTP/1.0 of " + name, "GET /" + name + " HTTP/1.0\r\n\r\n"},
			dialogue{"HTTP/1.0 kept after " + name, "GET /" + name + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + second},
		)
	}
	slices.SortFunc(all, func(a, b dialogue) int { return strings.Compare(a.name, b.name) })
	return all
}
