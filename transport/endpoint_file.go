package transport

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// What an endpoint takes from files.

// certificate reads a server's.
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

// roots reads whom a client trusts: the system's own unless there is a file.
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
		r.fail("%s: no certificate in it", name)
	}
	return cfg
}
