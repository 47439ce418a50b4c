package httpwork

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// MessageSize is how many bytes a WebSocket message has.
const MessageSize = 64

// What RFC 6455, section 5.2, puts before the payload of a binary message in one frame.
const (
	binaryFrame = 0x82 // the last of its message; binary
	maskedBit   = 0x80
	maskSize    = 4
)

var statusSwitched = []byte("HTTP/1.1 101 ")

// Handshake returns a request to change to WebSocket. Its key is always the same, as the example
// of RFC 6455, section 1.3, and so is the answer.
func Handshake(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
}

var accepted = []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

// Message returns a masked frame with a message.
func Message() []byte {
	frame := []byte{binaryFrame, maskedBit | MessageSize}
	frame = binary.BigEndian.AppendUint32(frame, 0x1b2e3d4c)
	mask := frame[len(frame)-maskSize:]
	for i, b := range plainMessage() {
		frame = append(frame, b^mask[i%maskSize])
	}
	return frame
}

func plainMessage() []byte { return bytes.Repeat([]byte("corolla "), MessageSize/8) }

// wantFrame is what a server sends for a Message.
var wantFrame = append([]byte{binaryFrame, MessageSize}, plainMessage()...)

// Frames reads what a server sends on a WebSocket connection: the answer to the handshake, which
// counts as one, and then messages like Message.
type Frames struct {
	head     []byte
	switched bool
	got      int // bytes of a frame
}

// Take takes what was read, and returns how many messages ended in it.
func (f *Frames) Take(b []byte) (ended int, err error) {
	if !f.switched {
		head, rest, err := splitHead(&f.head, b)
		if head == nil || err != nil {
			return 0, err
		}
		if !bytes.HasPrefix(head, statusSwitched) || !bytes.Contains(head, accepted) {
			return 0, fmt.Errorf("the handshake is answered with %q", head)
		}
		f.switched = true
		ended, b = 1, rest
	}
	for len(b) > 0 {
		n := min(len(wantFrame)-f.got, len(b))
		if !bytes.Equal(b[:n], wantFrame[f.got:f.got+n]) {
			return ended, fmt.Errorf("the message is %q", b[:n])
		}
		b = b[n:]
		if f.got += n; f.got == len(wantFrame) {
			f.got = 0
			ended++
		}
	}
	return ended, nil
}
