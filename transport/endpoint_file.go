package transport

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// The options of an endpoint that name files.

// certificate loads a server's certificate and key.
func (r *reader) certificate() *tls.Config {
	cert := r.arg("cert")
	key := r.option("key", cert)
	if r.err != nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		r.fail("%w", err)
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// roots loads the CAs that a client trusts: the system's unless a file is given.
func (r *reader) roots() *tls.Config {
	cfg := &tls.Config{ServerName: r.option("name", "")}
	name := r.option("ca", "")
	if name == "" || r.err != nil {
		return cfg
	}
	text, err := os.ReadFile(name)
	if err != nil {
		r.fail("%w", err)
		return cfg
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(text) {
		r.fail("%s: no certificates found", name)
	}
	return cfg
}
