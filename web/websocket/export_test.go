package websocket

import "github.com/gobwas/ws"

// AcceptKey is what a server proves with.
var AcceptKey = acceptKey

// Parser reads frames without a connection.
type Parser = parser

// NewParser returns the parser of a server.
func NewParser(deflate bool, limit int) *Parser {
	return &parser{state: ws.StateServerSide, deflate: deflate, limit: limit}
}

// Feed is feed.
func (p *parser) Feed(in []byte) (op byte, b, rest []byte, err error) {
	e, rest, err := p.feed(in)
	return byte(e.op), e.b, rest, err
}

// Held returns how many bytes of an unfinished message the parser has room for.
func (p *parser) Held() int { return cap(p.message) + cap(p.text) }

// Held returns how many bytes of memory the connection holds between two messages.
func (c *Conn) Held() int { return cap(c.kept) + c.parser.Held() }

// Encodings returns how often the message was encoded.
func (p *Prepared) Encodings() (n int) {
	for _, f := range p.frames {
		if f != nil {
			n++
		}
	}
	return n
}
