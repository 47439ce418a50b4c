package certtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// Updater makes the one kind of TLS 1.3 client record that crypto/tls never sends: requests for new
// keys. The configuration's KeyLogWriter must be Keys; after the handshake the client itself must
// send nothing more. The cipher suite must be TLS_AES_128_GCM_SHA256, which crypto/tls picks where
// the processor supports AES.
type Updater struct {
	Keys   bytes.Buffer
	t      testing.TB
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// NewUpdater returns an Updater for a client that has yet to connect.
func NewUpdater(t testing.TB) *Updater { return &Updater{t: t} }

// Update returns a record that asks for new keys, and for an answer that asks for them too.
func (u *Updater) Update() []byte {
	record := u.seal(22, []byte{24, 0, 0, 1, 1})
	u.use(u.expand("traffic upd", sha256.Size))
	return record
}

// Data returns a record of data.
func (u *Updater) Data(b []byte) []byte { return u.seal(23, b) }

func (u *Updater) seal(kind byte, b []byte) []byte {
	if u.secret == nil {
		_, text, _ := strings.Cut(u.Keys.String(), "CLIENT_TRAFFIC_SECRET_0 ")
		var random, secret string
		if _, err := fmt.Sscan(text, &random, &secret); err != nil {
			u.t.Fatalf("no secret among the keys: %v", err)
		}
		first, err := hex.DecodeString(secret)
		if err != nil || len(first) != sha256.Size {
			u.t.Fatalf("a secret of %d bytes, %v: another cipher suite", len(first), err)
		}
		u.use(first)
	}
	nonce := bytes.Clone(u.iv)
	last := nonce[len(nonce)-8:]
	binary.BigEndian.PutUint64(last, binary.BigEndian.Uint64(last)^u.seq)
	u.seq++
	record := []byte{23, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(record[3:], uint16(len(b)+1+u.aead.Overhead()))
	return u.aead.Seal(record, nonce, append(bytes.Clone(b), kind), record)
}

// use switches to a secret (RFC 8446, 7.2 and 7.3).
func (u *Updater) use(secret []byte) {
	u.secret, u.seq = secret, 0
	block, err := aes.NewCipher(u.expand("key", 16))
	if err == nil {
		u.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		u.t.Fatal(err)
	}
	u.iv = u.expand("iv", 12)
}

func (u *Updater) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := append([]byte{0, byte(n), byte(len(label))}, label...)
	b, err := hkdf.Expand(sha256.New, u.secret, string(append(info, 0)), n)
	if err != nil {
		u.t.Fatal(err)
	}
	return b
}
