package security

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// testCA is a certificate authority in memory.
type testCA struct {
	*testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newTestCA(t *testing.T) testCA {
	ca := testCA{T: t}
	template := &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true}
	issued := ca.issue(template)
	ca.certificate, ca.key = issued.Leaf, issued.PrivateKey.(*ecdsa.PrivateKey)
	return ca
}

// issue signs a certificate; by its own key if the CA has none yet.
func (ca testCA) issue(template *x509.Certificate) tls.Certificate {
	ca.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.Fatal(err)
	}
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<60))
	template.Subject = pkix.Name{CommonName: "test"}
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := ca.certificate, ca.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		ca.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		ca.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (ca testCA) caller(usages ...x509.ExtKeyUsage) tls.Certificate {
	uri, _ := url.Parse(callerURI)
	return ca.issue(&x509.Certificate{ExtKeyUsage: usages, URIs: []*url.URL{uri}})
}

func (ca testCA) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw})
}

// info is a plugin that answers GetInfo only.
type info struct {
	kplugv1.UnimplementedPluginServiceServer
}

func (info) GetInfo(context.Context, *kplugv1.GetInfoRequest) (*kplugv1.GetInfoResponse, error) {
	return &kplugv1.GetInfoResponse{InstanceId: "instance"}, nil
}

// port is the port of a plugin with TLS, and the file of its CA bundle.
type port struct {
	*testing.T
	address, bundle string
}

func newPort(t *testing.T, bundle []byte) port {
	p := port{T: t, bundle: filepath.Join(t.TempDir(), "ca.crt")}
	p.trust(bundle)
	source, err := NewSource(&Settings{CA: p.bundle}, "instance", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = listener.Addr().String()
	server := grpc.NewServer(grpc.Creds(NewCallerCredentials(source)), grpc.ConnectionTimeout(HandshakeTimeout))
	kplugv1.RegisterPluginServiceServer(server, info{})
	healthv1.RegisterHealthServer(server, health.NewServer())
	stopped := make(chan error)
	go func() { stopped <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p port) trust(bundle []byte) {
	if err := os.WriteFile(p.bundle, bundle, 0o600); err != nil {
		p.Fatal(err)
	}
}

// call asks the plugin for its health and its instance id.
func (p port) call(config *tls.Config) (string, error) {
	config.InsecureSkipVerify = true
	connection, err := grpc.NewClient(p.address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		return "", err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := healthv1.NewHealthClient(connection).Check(ctx, &healthv1.HealthCheckRequest{}); err != nil {
		return "", err
	}
	info, err := kplugv1.NewPluginServiceClient(connection).GetInfo(ctx, &kplugv1.GetInfoRequest{})
	return info.GetInstanceId(), err
}

func TestOnlyTheOperatorIsServed(t *testing.T) {
	ca, stranger := newTestCA(t), newTestCA(t)
	p := newPort(t, ca.pem())
	config := func(certificates ...tls.Certificate) *tls.Config { return &tls.Config{Certificates: certificates} }
	if id, err := p.call(config(ca.caller(x509.ExtKeyUsageClientAuth))); err != nil || id != "instance" {
		t.Fatalf("the operator: got %s, %v", id, err)
	}
	otherURI, _ := url.Parse("kplug://other")
	old := config(ca.caller(x509.ExtKeyUsageClientAuth))
	old.MaxVersion = tls.VersionTLS12
	for name, config := range map[string]*tls.Config{
		"no certificate":         config(),
		"another CA":             config(stranger.caller(x509.ExtKeyUsageClientAuth)),
		"a server":               config(ca.caller(x509.ExtKeyUsageServerAuth)),
		"no usage":               config(ca.caller()),
		"any usage":              config(ca.caller(x509.ExtKeyUsageAny)),
		"no URI":                 config(ca.issue(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})),
		"another URI":            config(ca.issue(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, URIs: []*url.URL{otherURI}})),
		"a DNS name as the URI":  config(ca.issue(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, DNSNames: []string{callerURI}})),
		"an expired certificate": config(ca.issue(&x509.Certificate{NotAfter: time.Now().Add(-time.Minute), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})),
		"TLS 1.2":                old,
	} {
		if id, err := p.call(config); err == nil {
			t.Errorf("%s: was answered with %s", name, id)
		}
	}
	// The bundle is read for each handshake.
	p.trust(append(ca.pem(), stranger.pem()...))
	if _, err := p.call(config(stranger.caller(x509.ExtKeyUsageClientAuth))); err != nil {
		t.Errorf("the next CA: %s", err)
	}
	p.trust([]byte("malformed"))
	if _, err := p.call(config(ca.caller(x509.ExtKeyUsageClientAuth))); err != nil {
		t.Errorf("with a malformed bundle: %s", err)
	}
	p.trust(stranger.pem())
	if _, err := p.call(config(ca.caller(x509.ExtKeyUsageClientAuth))); err == nil {
		t.Error("the previous CA was answered")
	}
}

func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	ca := newTestCA(t)
	p := newPort(t, ca.pem())
	for range maxPendingConnections + 20 {
		connection, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
	}
	if _, err := p.call(&tls.Config{Certificates: []tls.Certificate{ca.caller(x509.ExtKeyUsageClientAuth)}}); err != nil {
		t.Error(err)
	}
}

// fakeConnection is a connection from an address.
type fakeConnection struct {
	net.Conn
	address string
	closed  bool
}

func (c *fakeConnection) RemoteAddr() net.Addr {
	address, _ := net.ResolveTCPAddr("tcp", c.address)
	return address
}

func (c *fakeConnection) Close() error {
	c.closed = true
	return nil
}

func TestPendingConnectionsAreClosedFromTheAddressThatHasTheMost(t *testing.T) {
	pending := &pendingConnections{}
	honest := &fakeConnection{address: "192.0.2.1:1"}
	pending.add(honest)
	var flood []*fakeConnection
	for index := range maxPendingConnections + 9 {
		flood = append(flood, &fakeConnection{address: fmt.Sprintf("192.0.2.2:%d", index+1)})
		pending.add(flood[index])
	}
	if honest.closed || !flood[0].closed || !flood[9].closed || flood[10].closed || len(pending.connections) != maxPendingConnections {
		t.Errorf("closed the wrong connections; %d are left", len(pending.connections))
	}
	pending.remove(honest)
	if len(pending.connections) != maxPendingConnections-1 {
		t.Errorf("got %d connections", len(pending.connections))
	}
}
