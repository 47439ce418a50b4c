package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// The options of an endpoint that name files.

// certificate loads a server's certificate and key.
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
	return &tls.Config{Certificates: a.keyPair(cert, key)}
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
	name := a.Option("ca", "caCertsDir", "trustRoots")
	if name == "" || a.err != nil {
		return cfg
	}
	cfg.RootCAs = x509.NewCertPool()
	found := false
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
		found = cfg.RootCAs.AppendCertsFromPEM(text) || found
		return err
	})
	if err == nil && !found {
		err = errors.New(name + ": no certificates found")
	}
	if err != nil {
		a.Fail("%w", err)
	}
	return cfg
}
