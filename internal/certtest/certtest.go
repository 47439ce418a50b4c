// Package certtest makes certificates for tests.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"
)

// Authority issues certificates.
type Authority struct {
	t    testing.TB
	Cert *x509.Certificate
	key  crypto.Signer
	Pool *x509.CertPool
}

// New returns an authority that nothing else trusts.
func New(t testing.TB) *Authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{t: t, key: key, Pool: x509.NewCertPool()}
	a.Cert, _ = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, key)
	a.Pool.AddCert(a.Cert)
	return a
}

func (a *Authority) sign(template *x509.Certificate, key crypto.Signer) (*x509.Certificate, []byte) {
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent := a.Cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, der
}

// Issue returns a certificate for names, valid until a time; the zero time means an hour from now.
func (a *Authority) Issue(until time.Time, names ...string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.issue(key, until, names)
}

// IssueRSA is Issue with an RSA key, which can decrypt as well. Making one is slow.
func (a *Authority) IssueRSA(until time.Time, names ...string) tls.Certificate {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.issue(key, until, names)
}

func (a *Authority) issue(key crypto.Signer, until time.Time, names []string) tls.Certificate {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature,
	}
	if !until.IsZero() {
		template.NotBefore, template.NotAfter = until.Add(-time.Hour), until
	}
	_, der := a.sign(template, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
