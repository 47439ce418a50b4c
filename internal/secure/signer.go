package secure

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"io"

	"github.com/corolla-go/corolla"
)

// Offloading returns a copy of a configuration. Signing with its private keys, and its functions
// that choose certificates and configurations or verify the peer, run on other goroutines, while
// the task that does the handshake is parked.
func Offloading(l *corolla.Loop, cfg *tls.Config) *tls.Config {
	if cfg == nil {
		return new(tls.Config)
	}
	original := cfg
	cfg = cfg.Clone()
	// The peer could ask for a new handshake in the middle of a Read, which would hold a lock of
	// crypto/tls while it waits; a Write would wait for that lock and hold up the loop.
	cfg.Renegotiation = tls.RenegotiateNever
	if orig := original; orig.WrapSession == nil && orig.UnwrapSession == nil {
		// Session tickets use the original's keys, since each connection has its own copy and may
		// resume a session of another's.
		cfg.WrapSession, cfg.UnwrapSession = orig.EncryptTicket, orig.DecryptTicket
	}
	certs := append([]tls.Certificate(nil), cfg.Certificates...)
	for i := range certs {
		certs[i].PrivateKey = offloadingKey(l, certs[i].PrivateKey)
	}
	cfg.Certificates = certs
	cfg.GetCertificate = offloadingCert(l, cfg.GetCertificate)
	cfg.GetClientCertificate = offloadingCert(l, cfg.GetClientCertificate)
	cfg.GetEncryptedClientHelloKeys = offloadingFunc(l, cfg.GetEncryptedClientHelloKeys)
	if get := offloadingFunc(l, cfg.GetConfigForClient); get != nil {
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			c, err := get(hello)
			if c == nil || err != nil {
				return c, err
			}
			return Offloading(l, c), nil
		}
	}
	if verify := cfg.VerifyPeerCertificate; verify != nil {
		cfg.VerifyPeerCertificate = func(raw [][]byte, chains [][]*x509.Certificate) error {
			_, err := offload(l, func() (struct{}, error) { return struct{}{}, verify(raw, chains) })
			return err
		}
	}
	if verify := cfg.VerifyConnection; verify != nil {
		cfg.VerifyConnection = func(state tls.ConnectionState) error {
			_, err := offload(l, func() (struct{}, error) { return struct{}{}, verify(state) })
			return err
		}
	}
	return cfg
}

// offloadingFunc wraps a function of a configuration, which may be nil, so that it is offloaded.
func offloadingFunc[Q, A any](l *corolla.Loop, get func(Q) (A, error)) func(Q) (A, error) {
	if get == nil {
		return nil
	}
	return func(about Q) (A, error) {
		return offload(l, func() (A, error) { return get(about) })
	}
}

// offloadingCert wraps a function that chooses a certificate.
func offloadingCert[Q any](l *corolla.Loop, get func(Q) (*tls.Certificate, error)) func(Q) (*tls.Certificate, error) {
	ask := offloadingFunc(l, get)
	if ask == nil {
		return nil
	}
	return func(about Q) (*tls.Certificate, error) {
		cert, err := ask(about)
		if cert == nil || err != nil {
			return cert, err
		}
		c := *cert
		c.PrivateKey = offloadingKey(l, c.PrivateKey)
		return &c, nil
	}
}

// offloadingKey wraps a private key, unless it is already wrapped or of an unknown kind.
func offloadingKey(l *corolla.Loop, key crypto.PrivateKey) crypto.PrivateKey {
	switch k := key.(type) {
	case signer, decrypter:
		return key
	case interface {
		crypto.Signer
		crypto.Decrypter
	}:
		return decrypter{signer{l, k}, k}
	case crypto.Signer:
		return signer{l, k}
	}
	return key
}

type signer struct {
	loop *corolla.Loop
	key  crypto.Signer
}

func (s signer) Public() crypto.PublicKey { return s.key.Public() }

func (s signer) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return sign(s.loop, func() ([]byte, error) { return s.key.Sign(rand, digest, opts) })
}

// decrypter is a signer whose key can also decrypt, as RSA's can.
type decrypter struct {
	signer
	dec crypto.Decrypter
}

func (d decrypter) Decrypt(rand io.Reader, msg []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return sign(d.loop, func() ([]byte, error) { return d.dec.Decrypt(rand, msg, opts) })
}

// sign offloads work with a private key. The wait is shielded: half a signature is of no use, and a
// canceled handshake ends at its next read.
func sign(l *corolla.Loop, work func() ([]byte, error)) (b []byte, err error) {
	t := l.Current()
	if t == nil {
		return work()
	}
	err = t.Shielded(func(*corolla.Scope) error {
		b, err = corolla.OffloadTo(l.Workers("sign"), func(context.Context) ([]byte, error) { return work() }).Await(t)
		return err
	})
	return b, err
}

// offload offloads work if a task of the loop is waiting for it. A program's function may take as
// long as it likes; the handshake does not wait for it beyond its timeout.
func offload[T any](l *corolla.Loop, work func() (T, error)) (T, error) {
	t := l.Current()
	if t == nil {
		return work()
	}
	return corolla.OffloadTo(l.Workers("tls"), func(context.Context) (T, error) { return work() }).Await(t)
}
