package security

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	maxFileSize  = 1 << 20
	maxTokenSize = 8 << 10
	// secretSize is the number of random bytes of the secret of an instance.
	secretSize = 32
)

// material is a CA bundle, key and certificate that belong together. It is never changed: another reading is another material.
type material struct {
	authorities *x509.CertPool
	certificate tls.Certificate
	// True if key and certificate come from files, so that others can verify them.
	isIssued bool
}

// Proof is what a plugin proves its identity with. Two proofs are equal as long as nothing has changed.
type Proof struct {
	token string
	// Nil for plain text.
	material *material
}

// Certificate returns the certificate that the plugin presents, in DER; nil for plain text.
func (p Proof) Certificate() []byte {
	if p.material == nil {
		return nil
	}
	return p.material.certificate.Certificate[0]
}

// Source reads the token, CA bundle and certificate files of a plugin. While changed files are malformed, the last valid ones stay
// in use.
type Source struct {
	settings *Settings
	log      *slog.Logger
	// Proves that later messages come from the process that registered the instance.
	secret string
	// Key and certificate made in memory; nil if they are in files, and for plain text.
	own *tls.Certificate

	mutex    sync.Mutex
	token    string
	material *material
	// Contents that were parsed last, and the result.
	parsed     [][]byte
	parseError error
	// Problems that were logged.
	tokenProblem, materialProblem string
}

// NewSource creates a source with a new secret and, for TLS without a certificate in files, a new certificate.
func NewSource(settings *Settings, instanceID string, log *slog.Logger) (*Source, error) {
	secret := make([]byte, secretSize)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	source := &Source{settings: settings, log: log, secret: base64.RawURLEncoding.EncodeToString(secret), token: settings.Token}
	if !settings.UsesTLS() || settings.Certificate != "" {
		return source, nil
	}
	own, err := createCertificate(instanceID)
	source.own = own
	return source, err
}

// Current reads the files. It returns false until all of them exist and are valid.
func (c *Source) Current() (Proof, bool) {
	found := Proof{token: c.currentToken(), material: c.currentMaterial()}
	isComplete := (found.token != "" || c.settings.TokenFile == "") && (found.material != nil || !c.settings.UsesTLS())
	return found, isComplete
}

func (c *Source) currentToken() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.settings.TokenFile == "" {
		return c.token
	}
	content, err := readFile(c.settings.TokenFile, "token file (KPLUG_TOKEN_FILE)", maxTokenSize)
	token := strings.TrimSpace(string(content))
	// Anything else can't be sent as metadata. The text is a secret, so that no message has it.
	if err == nil && !visibleText.MatchString(token) {
		err = errors.New("the token file (KPLUG_TOKEN_FILE) has no token")
	}
	if err == nil {
		c.token = token
	}
	c.report(err, &c.tokenProblem, c.token != "")
	return c.token
}

// currentMaterial returns the same material as long as nothing has changed; nil until there is one, and for plain text.
func (c *Source) currentMaterial() *material {
	if !c.settings.UsesTLS() {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	err := c.readMaterial()
	c.report(err, &c.materialProblem, c.material != nil)
	return c.material
}

func (c *Source) readMaterial() error {
	ca, err := readFile(c.settings.CA, "CA bundle (KPLUG_TLS_CA)", maxFileSize)
	contents := [][]byte{ca}
	if err == nil && c.own == nil {
		var certificate, key []byte
		if certificate, err = readFile(c.settings.Certificate, "certificate (KPLUG_TLS_CERT)", maxFileSize); err == nil {
			key, err = readFile(c.settings.Key, "private key (KPLUG_TLS_KEY)", maxFileSize)
		}
		contents = append(contents, certificate, key)
	}
	if err != nil || slices.EqualFunc(contents, c.parsed, bytes.Equal) {
		return cmp.Or(err, c.parseError)
	}
	found, err := c.parse(contents)
	if err == nil {
		c.material = found
	}
	c.parsed, c.parseError = contents, err
	return err
}

func (c *Source) parse(contents [][]byte) (*material, error) {
	authorities, err := parseBundle(contents[0])
	if err != nil {
		return nil, err
	}
	if c.own != nil {
		return &material{authorities: authorities, certificate: *c.own}, nil
	}
	certificate, err := tls.X509KeyPair(contents[1], contents[2])
	if err != nil {
		return nil, fmt.Errorf("the certificate (KPLUG_TLS_CERT) and private key (KPLUG_TLS_KEY) can't be used: %w", err)
	}
	return &material{authorities: authorities, certificate: certificate, isIssued: true}, nil
}

func parseBundle(content []byte) (*x509.CertPool, error) {
	pool, count := x509.NewCertPool(), 0
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the CA bundle (KPLUG_TLS_CA) can't be used: %w", err)
		}
		pool.AddCert(certificate)
		count++
	}
	if count == 0 {
		return nil, errors.New("the CA bundle (KPLUG_TLS_CA) has no certificate in PEM")
	}
	return pool, nil
}

// report logs a problem once.
func (c *Source) report(err error, logged *string, hasPrevious bool) {
	if err == nil {
		*logged = ""
		return
	}
	if err.Error() == *logged {
		return
	}
	*logged = err.Error()
	consequence := "the plugin registers, and accepts calls, as soon as it is there"
	if hasPrevious {
		consequence = "using the previous content"
	}
	c.log.Warn(*logged + "; " + consequence)
}

// readFile reads a file up to a size. The error names the file.
func readFile(path, description string, maxSize int64) ([]byte, error) {
	content, err := readRegular(path, maxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the %s %s does not exist", description, path)
	}
	if err != nil {
		return nil, fmt.Errorf("the %s %s can't be read: %w", description, path, err)
	}
	return content, nil
}

func readRegular(path string, maxSize int64) ([]byte, error) {
	// Opening a named pipe would wait for its writer.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && int64(len(content)) > maxSize {
		err = fmt.Errorf("it has more than %d bytes", maxSize)
	}
	return content, err
}

// DialOptions returns the options for a connection to the controller with a proof.
func (c *Source) DialOptions(used Proof) []grpc.DialOption {
	headers := headers{"kplug-secret": c.secret}
	if used.token != "" {
		headers["authorization"] = "Bearer " + used.token
	}
	transport := insecure.NewCredentials()
	if used.material != nil {
		// Without a name, it is the host of the controller.
		config := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: used.material.authorities, ServerName: c.settings.ServerName}
		// Nobody but the controller that called the plugin could verify a certificate made in memory.
		if used.material.isIssued {
			config.Certificates = []tls.Certificate{used.material.certificate}
		}
		transport = credentials.NewTLS(config)
	}
	return []grpc.DialOption{grpc.WithTransportCredentials(transport), grpc.WithPerRPCCredentials(headers)}
}

// headers are sent with each call.
type headers map[string]string

func (h headers) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return h, nil
}

func (headers) RequireTransportSecurity() bool { return false }
