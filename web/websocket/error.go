package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"unicode/utf8"
)

// Code says why a connection was closed (RFC 6455, section 7.4).
type Code uint16

// Codes of the RFC and of IANA's registry. Those from 3000 to 3999 are for libraries, which register
// them, and those from 4000 to 4999 for anybody.
const (
	CodeNormal           Code = 1000
	CodeGoingAway        Code = 1001 // a server that goes down, a browser that leaves the page
	CodeProtocolError    Code = 1002
	CodeUnsupported      Code = 1003 // a kind of message that the application does not take
	CodeNone             Code = 1005 // never sent: what a close frame without a code means
	CodeInvalidData      Code = 1007 // text that is not UTF-8
	CodePolicy           Code = 1008
	CodeTooBig           Code = 1009
	CodeMissingExtension Code = 1010
	CodeInternalError    Code = 1011
	CodeServiceRestart   Code = 1012
	CodeTryAgainLater    Code = 1013
	CodeBadGateway       Code = 1014
)

// sendable reports whether a close frame may have the code.
func (c Code) sendable() bool {
	switch {
	case c == CodeNone, c == 1004, c == 1006:
		return false
	}
	return c >= CodeNormal && c <= CodeBadGateway || c >= 3000 && c <= 4999
}

// CloseError is the error of Read when the peer has closed the connection, or answered that it was
// closed.
type CloseError struct {
	Code   Code   // CodeNone if the peer gave none
	Reason string // at most 123 bytes of UTF-8
}

func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("websocket: closed by the peer with code %d", e.Code)
	}
	return fmt.Sprintf("websocket: closed by the peer with code %d: %q", e.Code, e.Reason)
}

// ProtocolError is the error of Read when the peer has broken the protocol or exceeded a limit. Code is
// what the peer was told: CodeProtocolError, CodeInvalidData or CodeTooBig.
type ProtocolError struct {
	Code Code
	Err  error
}

func (e *ProtocolError) Error() string { return "websocket: " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *ProtocolError) Unwrap() error { return e.Err }

// ErrHandshake is matched by the errors of Accept and Dial if the other side did not say what it must for
// a WebSocket, or asked for what is not allowed.
var ErrHandshake = errors.New("websocket: handshake failed")

func handshakeError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrHandshake}, args...)...)
}

// errSilent is the fault of a connection that KeepAlive has given up.
var errSilent = fmt.Errorf("websocket: the peer has not answered a ping: %w", os.ErrDeadlineExceeded)

var errClosed = fmt.Errorf("websocket: %w", net.ErrClosed)

const maxReason = 123 // bytes: what a control frame can hold beside the code

// closing returns the payload of a close frame.
func closing(code Code, reason string) ([]byte, error) {
	switch {
	case code == CodeNone && reason == "":
		return nil, nil
	case !code.sendable():
		return nil, fmt.Errorf("websocket: a connection cannot be closed with code %d", code)
	case len(reason) > maxReason || !utf8.ValidString(reason):
		return nil, fmt.Errorf("websocket: the reason for closing is not UTF-8 of at most %d bytes", maxReason)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...), nil
}

// closed reads the payload of a close frame.
func closed(b []byte) (*CloseError, error) {
	if len(b) == 0 {
		return &CloseError{Code: CodeNone}, nil
	}
	if len(b) == 1 {
		return nil, violation(errors.New("a close frame has half a code"))
	}
	e := &CloseError{Code(binary.BigEndian.Uint16(b)), string(b[2:])}
	if !e.Code.sendable() {
		return nil, violation(fmt.Errorf("a close frame has the code %d", e.Code))
	}
	if !utf8.ValidString(e.Reason) {
		return nil, errNotUTF8()
	}
	return e, nil
}
