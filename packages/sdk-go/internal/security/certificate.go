package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"regexp"
	"time"
)

const (
	// maxCommonNameLength is the maximum length of the name in a certificate (RFC 5280).
	maxCommonNameLength = 64
	certificateLifetime = 10 * 365 * 24 * time.Hour
	// clockTolerance is the time by which the clock of the operator may be behind that of the plugin.
	clockTolerance = 24 * time.Hour
)

// createCertificate creates a P-256 key and a self-signed certificate for it, in memory. The plugin registers the certificate, and nothing
// else vouches for it.
func createCertificate(instanceID string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)),
		Subject:               pkix.Name{CommonName: commonName(instanceID)},
		NotBefore:             now.Add(-clockTolerance),
		NotAfter:              now.Add(certificateLifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

var specialCharacters = regexp.MustCompile(`[^\w.:-]`)

// commonName returns the name of an instance for people.
func commonName(instanceID string) string {
	name := specialCharacters.ReplaceAllString(instanceID, "_")
	return name[:min(len(name), maxCommonNameLength)]
}
