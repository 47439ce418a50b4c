package websocket_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/corolla-go/corolla/web/websocket"
)

// FuzzParser feeds a parser any bytes, whole and in pieces: it must find the same in both, hold no more
// than its limit allows, and pass nothing on that is too long or not the text it claims to be.
func FuzzParser(f *testing.F) {
	client := &raw{client: true}
	f.Add(client.bytes(text("Hello"), begin("frag"), ping("x"), last("ment"), bye(1000, "bye")), []byte{1}, false)
	f.Add(client.bytes(binary(string(make([]byte, 300))), frame{fin | rsv1 | 1, deflated("Hello")}), []byte{3, 200}, true)
	f.Add(client.bytes(frame{fin | rsv1 | 2, deflated(string(make([]byte, 5000)))}), []byte{7}, true)
	f.Add([]byte("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04"), []byte{5, 1}, false)
	f.Add(client.bytes(begin("\xce"), more("\xba\xe1"), last("\xbd\xb9")), []byte{}, false)
	f.Fuzz(func(t *testing.T, in, cuts []byte, deflate bool) {
		whole, wholeErr := parse(t, in, nil, deflate)
		pieces, piecesErr := parse(t, in, cuts, deflate)
		if !slices.Equal(whole, pieces) || wholeErr != piecesErr {
			t.Errorf("whole: %v, %q\nin pieces: %v, %q", whole, wholeErr, pieces, piecesErr)
		}
	})
}

// parse returns the events of in, cut into pieces of the given sizes in turn, and the error.
func parse(t *testing.T, in, cuts []byte, deflate bool) (events []frame, failed string) {
	const limit = 1000
	p := websocket.NewParser(deflate, limit)
	in = bytes.Clone(in)
	for i := 0; len(in) > 0; i++ {
		n := len(in)
		if len(cuts) > 0 {
			n = min(n, 1+int(cuts[i%len(cuts)]))
		}
		for piece := in[:n]; len(piece) > 0; {
			op, b, rest, err := p.Feed(piece)
			if p.Held() > 4*limit {
				t.Fatalf("%d bytes are held", p.Held())
			}
			if err != nil {
				if !errors.As(err, new(*websocket.ProtocolError)) {
					t.Fatalf("error %T", err)
				}
				return events, err.Error()
			}
			if op != 0 {
				events = append(events, frame{op, string(b)})
			}
			if len(b) > limit || op > 7 && len(b) > 125 || op == 1 && !utf8.Valid(b) || len(rest) >= len(piece) {
				t.Fatalf("event %d %q, %d of %d bytes are left", op, b, len(rest), len(piece))
			}
			piece = rest
		}
		in = in[n:]
	}
	return events, ""
}
