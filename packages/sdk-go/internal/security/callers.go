package security

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc/credentials"
)

const (
	// callerURI is the URI in the certificate with which the operator calls plugins.
	callerURI = "kplug://caller"
	// HandshakeTimeout is the time that a client has for its TLS handshake.
	HandshakeTimeout = 10 * time.Second
	// maxPendingConnections is the maximum number of connections whose client is not authenticated.
	maxPendingConnections = 256
	// refusalLogInterval is the shortest interval between log lines about refused clients.
	refusalLogInterval = 10 * time.Second
)

// callerCredentials lets in only the operator, by TLS 1.3. Nothing is answered to other clients, on any service.
type callerCredentials struct {
	credentials.TransportCredentials
	pending *pendingConnections
	log     *refusalLog
}

// NewCallerCredentials returns the credentials of the plugin's port, by the CA bundle and certificate of a source.
func NewCallerCredentials(source *Source) credentials.TransportCredentials {
	config := &tls.Config{
		MinVersion: tls.VersionTLS13,
		// Called for each handshake, so that certificate and CA bundle are those of that moment.
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			material := source.currentMaterial()
			if material == nil {
				return nil, errors.New("the CA bundle or certificate does not exist yet")
			}
			return configFor(material), nil
		},
	}
	return callerCredentials{credentials.NewTLS(config), &pendingConnections{}, &refusalLog{log: source.log}}
}

func configFor(material *material) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{material.certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    material.authorities,
		// A resumed session would outlive the CA that its client was verified by.
		SessionTicketsDisabled: true,
		VerifyConnection:       verifyCaller,
	}
}

// verifyCaller checks a certificate that has been verified against the CA bundle. That is not enough: the operator's heartbeat service, and
// others if the CA is shared, have one too.
func verifyCaller(state tls.ConnectionState) error {
	if len(state.VerifiedChains) == 0 {
		return errors.New("its certificate is not verified")
	}
	certificate := state.PeerCertificates[0]
	// A certificate without the extension is verified, for any usage.
	if !slices.Contains(certificate.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return errors.New("its certificate is not for clients (clientAuth)")
	}
	for _, uri := range certificate.URIs {
		if uri.String() == callerURI {
			return nil
		}
	}
	return fmt.Errorf("its certificate lacks the URI %s", callerURI)
}

func (c callerCredentials) ServerHandshake(connection net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c.pending.add(connection)
	defer c.pending.remove(connection)
	secured, info, err := c.TransportCredentials.ServerHandshake(connection)
	if err != nil {
		c.log.add(connection.RemoteAddr(), err)
	}
	return secured, info, err
}

func (c callerCredentials) Clone() credentials.TransportCredentials {
	return callerCredentials{c.TransportCredentials.Clone(), c.pending, c.log}
}

// pendingConnections are the connections whose client is not authenticated, oldest first. When there are too many, the oldest one from the
// address that has the most is closed, so that a flood from one address takes the place of no other client.
type pendingConnections struct {
	mutex       sync.Mutex
	connections []net.Conn
}

func (p *pendingConnections) add(connection net.Conn) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.connections) >= maxPendingConnections {
		p.evict()
	}
	p.connections = append(p.connections, connection)
}

func (p *pendingConnections) evict() {
	counts := map[string]int{}
	most := 0
	for _, connection := range p.connections {
		host := hostOf(connection.RemoteAddr())
		counts[host]++
		most = max(most, counts[host])
	}
	index := slices.IndexFunc(p.connections, func(one net.Conn) bool { return counts[hostOf(one.RemoteAddr())] == most })
	p.connections[index].Close()
	p.connections = slices.Delete(p.connections, index, index+1)
}

func (p *pendingConnections) remove(connection net.Conn) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.connections = slices.DeleteFunc(p.connections, func(one net.Conn) bool { return one == connection })
}

func hostOf(address net.Addr) string {
	host, _, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	return host
}

// refusalLog logs refused clients at a limited rate.
type refusalLog struct {
	log      *slog.Logger
	mutex    sync.Mutex
	loggedAt time.Time
	unlogged int
}

func (l *refusalLog) add(client net.Addr, err error) {
	// Neither a probe that connects and closes, nor a client that gave up, is worth a warning.
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		l.log.Debug("TLS handshake ended", "client", client, "error", err)
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if time.Since(l.loggedAt) < refusalLogInterval {
		l.unlogged++
		return
	}
	l.log.Warn("refused a client; only the operator may call the plugin", "client", client, "error", err, "moreBefore", l.unlogged)
	l.loggedAt, l.unlogged = time.Now(), 0
}
