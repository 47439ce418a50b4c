package secure

import (
	"context"
	"crypto"
	"crypto/tls"
	"io"

	"github.com/corolla-go/corolla"
)

// Offloading returns a copy of a configuration whose private keys sign on goroutines of their
// own, while the task that wants the signature is parked.
func Offloading(l *corolla.Loop, cfg *tls.Config) *tls.Config {
	if cfg == nil {
		return new(tls.Config)
	}
	original := cfg
	cfg = cfg.Clone()
	// The peer could ask for a new handshake in the middle of a Read, which would hold a lock
	// of crypto/tls while it waits, and a Write would then wait for that and hold up the loop.
	cfg.Renegotiation = tls.RenegotiateNever
	if orig := original; orig.WrapSession == nil && orig.UnwrapSession == nil {
		// The keys of session tickets are the original's, so that sessions are resumed by other
		// connections of it, of which each has a copy.
		cfg.WrapSession, cfg.UnwrapSession = orig.EncryptTicket, orig.DecryptTicket
	}
	certs := append([]tls.Certificate(nil), cfg.Certificates...)
	for i := range certs {
		certs[i].PrivateKey = offloadingKey(l, certs[i].PrivateKey)
	}
	cfg.Certificates = certs
	if get := cfg.GetCertificate; get != nil {
		cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return offloadingCert(l)(get(hello))
		}
	}
	if get := cfg.GetClientCertificate; get != nil {
		cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return offloadingCert(l)(get(info))
		}
	}
	if get := cfg.GetConfigForClient; get != nil {
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			c, err := get(hello)
			if c == nil || err != nil {
				return c, err
			}
			return Offloading(l, c), nil
		}
	}
	return cfg
}

func offloadingCert(l *corolla.Loop) func(*tls.Certificate, error) (*tls.Certificate, error) {
	return func(cert *tls.Certificate, err error) (*tls.Certificate, error) {
		if cert == nil || err != nil {
			return cert, err
		}
		c := *cert
		c.PrivateKey = offloadingKey(l, c.PrivateKey)
		return &c, nil
	}
}

// offloadingKey wraps a private key, unless it is wrapped or of a kind that we do not know.
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
	return elsewhere(s.loop, func() ([]byte, error) { return s.key.Sign(rand, digest, opts) })
}

// decrypter is a signer whose key can also decrypt, as RSA's can.
type decrypter struct {
	signer
	dec crypto.Decrypter
}

func (d decrypter) Decrypt(rand io.Reader, msg []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return elsewhere(d.loop, func() ([]byte, error) { return d.dec.Decrypt(rand, msg, opts) })
}

// elsewhere offloads work, if it is a task of the loop that wants it. The wait is shielded:
// half a signature is of no use, and a canceled handshake ends where it next reads.
func elsewhere[T any](l *corolla.Loop, work func() (T, error)) (v T, err error) {
	t := l.Current()
	if t == nil {
		return work()
	}
	err = t.Shielded(func(*corolla.Scope) error {
		v, err = corolla.OffloadTo(l.Workers("sign"), func(context.Context) (T, error) { return work() }).Await(t)
		return err
	})
	return v, err
}
