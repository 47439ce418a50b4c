package web_test

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"testing"

	"github.com/corolla-go/corolla/web"
)

// FuzzParse holds the parser of heads against net/http's.
func FuzzParse(f *testing.F) {
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a/b.c?d=e&f HTTP/1.1\r\nhost: a:80\r\naccept: x\r\nAccept: y\r\nX-ODD-name:  v \t\r\n\r\n",
		"HEAD /a%20b?c#d HTTP/1.0\r\n\r\n",
		"GET /? HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\n\r\n",
		"GET //a//b HTTP/1.0\r\nConnection: Keep-Alive\r\nPragma: no-cache\r\n\r\n",
		"GET http://b:1/c?d HTTP/1.1\r\nHost: a\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\nTrailer: X\r\n\r\n",
		"POST /a\"b HTTP/1.1\r\nHost:\r\nPragma: no-cache\r\nCache-Control: max-age=0\r\n\r\n",
		"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a:b@c;d=e,f HTTP/1.1\r\nHost: a\r\nEmpty:\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nTrailer: a, B,,c\r\ntrailer: d\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTrailer: x\r\n\r\n",
		"CONNECT b:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"CONNECT /b:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"CONNECT a@b:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"get a HTTP/1.1\r\nHost: [::1]:8\r\n\r\n",
		"GET / HTTP/1.1\r\nhOST: a\r\nuser-AGENT: b\r\nX_A: c\r\nDNT: 1\r\nte: d\r\nsec-websocket-key: e\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a\tb\r\nCookie: 0123456789abcde\x7f\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nAccept: 1234567\x80\xff12345\t\r\nAccept: ,\r\naccept:\r\n\r\n",
	} {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		head, got, ok, err := web.ParseHead(b)
		if !ok {
			return
		}
		want, wrong := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%q: %v, and net/http says %v", head, err, wrong)
		}
		if err != nil {
			return
		}
		got.Body, want.Body = nil, nil
		got, want = got.WithContext(t.Context()), want.WithContext(t.Context())
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\ngot  %+v %+v\nwant %+v %+v", head, got, got.URL, want, want.URL)
		}
	})
}
