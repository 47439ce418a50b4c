package transport

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// The options of an endpoint that name files.

// certificate loads a server's certificate and key, and the CAs whose clients it serves, all if none.
func (a *EndpointArgs) certificate() *tls.Config {
	key, cert := a.Option("key", "privateKey"), a.Option("cert", "certKey")
	if cert == "" {
		cert = key // as Twisted has it: one file with both
	}
	if cert == "" {
		cert = a.Arg("cert")
	}
	if key == "" {
		key = cert
	}
	cfg := &tls.Config{Certificates: a.keyPair(cert, key)}
	if cfg.ClientCAs = a.pool("ca"); cfg.ClientCAs != nil {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if name := a.Option("extraCertChain"); name != "" && a.err == nil {
		a.extend(&cfg.Certificates[0], name)
	}
	return cfg
}

// extend adds the certificates of a file to a chain.
func (a *EndpointArgs) extend(cert *tls.Certificate, name string) {
	rest, err := os.ReadFile(name)
	if err != nil {
		a.Fail("%w", err)
		return
	}
	before := len(cert.Certificate)
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			cert.Certificate = append(cert.Certificate, block.Bytes)
		}
	}
	if len(cert.Certificate) == before {
		a.Fail("%s: no certificates found", name)
	}
}

func (a *EndpointArgs) keyPair(cert, key string) []tls.Certificate {
	if a.err != nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		a.Fail("%w", err)
		return nil
	}
	return []tls.Certificate{pair}
}

// roots loads the CAs that a client trusts, the system's unless some are given, and the certificate
// that it shows, if any.
func (a *EndpointArgs) roots() *tls.Config {
	cfg := &tls.Config{ServerName: a.Option("name")}
	cert, key := a.Option("cert", "certificate", "certKey"), a.Option("key", "privateKey")
	if cert == "" {
		cert = key
	}
	if key == "" {
		key = cert
	}
	if cert != "" {
		cfg.Certificates = a.keyPair(cert, key)
	}
	cfg.RootCAs = a.pool("ca", "caCertsDir", "trustRoots")
	return cfg
}

// pool loads the certificates of an option, which names a file or a folder of files; nil if it is not given.
func (a *EndpointArgs) pool(names ...string) *x509.CertPool {
	name := a.Option(names...)
	if name == "" || a.err != nil {
		return nil
	}
	pool, found := x509.NewCertPool(), false
	err := filepath.WalkDir(name, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != name:
			return fs.SkipDir
		case d.IsDir() || file != name && filepath.Ext(file) != ".pem":
			return nil
		}
		text, err := os.ReadFile(file)
		found = pool.AppendCertsFromPEM(text) || found
		return err
	})
	if err == nil && !found {
		err = errors.New(name + ": no certificates found")
	}
	if err != nil {
		a.Fail("%w", err)
	}
	return pool
}
