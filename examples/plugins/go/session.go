package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	kplugv1 "example.org/sqlite-plugin/gen/kplug/v1"
)

const (
	minDelay = 50 * time.Millisecond
	maxDelay = 5 * time.Second
	// Longest delay before a refused registration is retried. The configuration of the controller may change, but rarely does.
	refusedDelay = 20 * time.Second
	// Interval between heartbeats until the controller has granted one.
	defaultInterval = 5 * time.Second
	callTimeout     = 3 * time.Second
	// Interval at which token, CA bundle and certificate files are checked for changes.
	pollInterval = time.Second
	// Time that the controller has to accept a session with a new token or certificate. The previous one continues meanwhile.
	rotationTimeout = 10 * time.Second
	// Maximum number of failures and refusals that are remembered, so that each is logged once.
	maxLoggedFailures = 100
)

// session registers an instance with its controller and keeps the registration alive. When the token, CA bundle or certificate changes, a
// stream with the new ones replaces the stream after it was accepted, so that the controller never misses the plugin.
type session struct {
	controller   string
	credentials  *credentialSource
	registration *kplugv1.Registration
	// Called when the controller requests a drain.
	drain func()
	// True if the controller has no sessions and gets heartbeats as unary calls.
	unary bool
	// True if a controller has accepted the registration and is still connected.
	registered bool
	// Failures and refusals that were logged since the last lease.
	logged map[string]bool
	// Proof of the current connection.
	used atomic.Pointer[proof]
}

// refused is the error for a registration that the controller refused.
type refused struct{ *kplugv1.Refusal }

func (r refused) Error() string { return "registration refused: " + r.Message }

// errChanged ends unary heartbeats whose token or certificate changed.
var errChanged = errors.New("the token or certificate changed")

// run registers and sends heartbeats until the context is done, and reconnects after failures.
func (s *session) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		used, isComplete := s.credentials.current()
		var err error
		if isComplete {
			s.used.Store(&used)
			err = s.connectOnce(ctx, used)
		}
		if ctx.Err() != nil {
			return
		}
		if s.registered {
			failures = 0
			s.registered = false
		}
		if errors.Is(err, errChanged) {
			continue
		}
		delay := min(maxDelay, minDelay<<min(failures, 10))
		if errors.As(err, &refused{}) {
			delay = refusedDelay
		}
		if err != nil {
			s.logFailure(ctx, err, "retrying")
		}
		// Jitter keeps plugins from reconnecting to a restarted controller at the same time.
		s.pauseUntilChanged(ctx, used, jitter(delay))
	}
}

// connectOnce registers and sends heartbeats over a new connection, so that the name of the controller is resolved again. It returns
// when the connection breaks or the context is done.
func (s *session) connectOnce(ctx context.Context, used proof) error {
	if !s.unary {
		if err := s.keepStream(ctx, used); status.Code(err) != codes.Unimplemented {
			return err
		}
		s.unary = true
	}
	return s.sendHeartbeats(ctx, used)
}

// keepStream keeps a stream until it ends, and replaces it when the token or certificate changes.
func (s *session) keepStream(ctx context.Context, used proof) error {
	current := s.open(ctx, used)
	accepted := current.accepted
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	var tried proof
	var notBefore time.Time
	for {
		select {
		case <-accepted:
			s.onRegistered()
			accepted = nil
			continue
		case <-current.ended:
			if current.isAccepted() {
				s.onRegistered()
			}
			return current.err
		case <-poll.C:
		}
		next, isComplete := s.credentials.current()
		if !isComplete || next == current.proof || (next == tried && time.Now().Before(notBefore)) {
			continue
		}
		candidate := s.open(ctx, next)
		if err := candidate.waitUntilAccepted(); err != nil {
			candidate.close()
			if ctx.Err() == nil {
				s.logFailure(ctx, err, "the previous session continues")
			}
			tried, notBefore = next, time.Now().Add(jitter(refusedDelay))
			continue
		}
		current.close()
		current, accepted = candidate, nil
		s.used.Store(&next)
		s.onRegistered()
		slog.Info("token or certificate changed; replaced the session")
	}
}

// stream is one session with the controller, over a connection of its own.
type stream struct {
	proof proof
	// Closed when the controller accepts the registration.
	accepted chan struct{}
	// Closed when the session has ended, with the error.
	ended chan struct{}
	err   error
	// Ends the session gracefully.
	close func()
}

func (s *stream) isAccepted() bool {
	select {
	case <-s.accepted:
		return true
	default:
		return false
	}
}

func (s *stream) waitUntilAccepted() error {
	select {
	case <-s.accepted:
		return nil
	case <-s.ended:
		return s.err
	case <-time.After(rotationTimeout):
		return errors.New("the controller did not answer in time")
	}
}

func (s *session) open(ctx context.Context, used proof) *stream {
	ctx, cancel := context.WithCancel(ctx)
	opened := &stream{proof: used, accepted: make(chan struct{}), ended: make(chan struct{}), close: cancel}
	go func() {
		defer cancel()
		defer close(opened.ended)
		opened.err = s.serveStream(ctx, used, opened.accepted)
	}()
	return opened
}

// serveStream registers and sends heartbeats. It closes accepted with the first lease.
func (s *session) serveStream(ctx context.Context, used proof, accepted chan<- struct{}) error {
	connection, err := s.connect(used)
	if err != nil {
		return err
	}
	defer connection.Close()
	// The stream outlives the context, to be closed gracefully.
	streamContext, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stream, err := kplugv1.NewRegistryServiceClient(connection).Session(streamContext)
	if err != nil {
		return err
	}
	registration := &kplugv1.SessionRequest_Registration{Registration: s.registrationWith(used)}
	if err := stream.Send(&kplugv1.SessionRequest{Message: registration}); err != nil && err != io.EOF {
		return err
	}

	responses := make(chan *kplugv1.SessionResponse)
	ended := make(chan error, 1)
	go func() {
		for {
			response, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case responses <- response:
			case <-streamContext.Done():
			}
		}
	}()

	ticker := time.NewTicker(defaultInterval)
	defer ticker.Stop()
	isAccepted := false
	for {
		select {
		case <-ctx.Done():
			stream.CloseSend()
			select {
			case <-ended:
			case <-time.After(callTimeout):
			}
			return ctx.Err()
		case err := <-ended:
			return fmt.Errorf("session ended: %w", err)
		case response := <-responses:
			if refusal := response.GetRefusal(); refusal != nil {
				return refused{refusal}
			}
			ticker.Reset(s.accept(response.GetLease()))
			if !isAccepted {
				close(accepted)
				isAccepted = true
			}
		case <-ticker.C:
			// Recv returns the error of a broken stream.
			_ = stream.Send(&kplugv1.SessionRequest{Message: &kplugv1.SessionRequest_Beat{Beat: &kplugv1.Beat{}}})
		}
	}
}

func (s *session) sendHeartbeats(ctx context.Context, used proof) error {
	connection, err := s.connect(used)
	if err != nil {
		return err
	}
	defer connection.Close()
	registry := kplugv1.NewRegistryServiceClient(connection)
	registration := s.registrationWith(used)
	for ctx.Err() == nil {
		if current, _ := s.credentials.current(); current != used {
			return errChanged
		}
		callContext, cancel := context.WithTimeout(ctx, callTimeout)
		response, err := registry.Heartbeat(callContext, &kplugv1.HeartbeatRequest{Registration: registration})
		cancel()
		if err != nil {
			return err
		}
		if refusal := response.GetRefusal(); refusal != nil {
			return refused{refusal}
		}
		interval := s.accept(response.GetLease())
		s.onRegistered()
		pause(ctx, interval)
	}
	return ctx.Err()
}

// accept handles a lease and returns the interval between heartbeats.
func (s *session) accept(lease *kplugv1.Lease) time.Duration {
	if lease.GetDrain() {
		slog.Info("the controller requested a drain")
		s.drain()
	}
	return max(10*time.Millisecond, lease.GetInterval().AsDuration())
}

func (s *session) onRegistered() {
	clear(s.logged)
	if !s.registered {
		slog.Info("registered", "controller", s.controller, "instance", s.registration.InstanceId)
	}
	s.registered = true
}

// logFailure logs a failure or refusal once per outage, not per attempt.
func (s *session) logFailure(ctx context.Context, err error, consequence string) {
	kind, text := "failure", fmt.Sprintf("heartbeat to %s failed: %s", s.controller, err)
	level := slog.LevelWarn
	if errors.As(err, &refused{}) {
		kind = err.Error()
	} else if advice := adviceOn(err); advice != "" && s.credentials.security.usesTLS() {
		kind, text = advice, text+"; "+advice
	} else if s.credentials.security.isHosted() {
		// The session of a plugin that the operator started usually ends because the operator stops both.
		level = slog.LevelDebug
	}
	if s.logged[kind] {
		level = slog.LevelDebug
	}
	if s.logged == nil || len(s.logged) >= maxLoggedFailures {
		s.logged = map[string]bool{}
	}
	s.logged[kind] = true
	slog.Log(ctx, level, text+"; "+consequence)
}

// adviceOn says what to do about a failed TLS connection to the controller.
func adviceOn(err error) string {
	text := err.Error()
	for _, one := range []struct{ parts, advice string }{
		{"is valid for|not valid for any names|IP SANs", "set KPLUG_TLS_SERVER_NAME to a name in the operator's certificate"},
		{"unknown authority|incompatible key usage", "compare the file of KPLUG_TLS_CA with the CA bundle of the operator"},
		{"has expired or is not yet valid", "renew the operator's certificate, and check the clocks"},
		{"does not look like a TLS handshake|protocol version|unsupported version", "the operator does not speak TLS 1.3 at this address; check " +
			"KPLUG_CONTROLLER, or set KPLUG_INSECURE=true for an operator without TLS"},
	} {
		for part := range strings.SplitSeq(one.parts, "|") {
			if strings.Contains(text, part) {
				return one.advice
			}
		}
	}
	return ""
}

// deregister tells the controller that the instance is about to stop, so that it gets no new calls. Heartbeats continue.
func (s *session) deregister() {
	used := s.used.Load()
	if used == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	connection, err := s.connect(*used)
	if err == nil {
		defer connection.Close()
		request := &kplugv1.DeregisterRequest{InstanceId: s.registration.InstanceId}
		_, err = kplugv1.NewRegistryServiceClient(connection).Deregister(ctx, request)
	}
	// A controller that is gone, such as one that stops its plugins when it stops, needs no deregistration.
	if err != nil && status.Code(err) != codes.Unavailable {
		slog.Warn("deregistration failed; the lease will expire instead", "error", err)
	}
}

// registrationWith returns the registration with the certificate that the plugin presents.
func (s *session) registrationWith(used proof) *kplugv1.Registration {
	if used.material == nil {
		return s.registration
	}
	registration := proto.CloneOf(s.registration)
	registration.Certificate = used.material.certificate.Certificate[0]
	return registration
}

func (s *session) connect(used proof) (*grpc.ClientConn, error) {
	options := append(s.credentials.dialOptions(used),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: callTimeout}),
	)
	return grpc.NewClient(s.controller, options...)
}

// pauseUntilChanged waits, but no longer than until the token or certificate changes.
func (s *session) pauseUntilChanged(ctx context.Context, used proof, duration time.Duration) {
	for end := time.Now().Add(duration); ctx.Err() == nil; {
		rest := time.Until(end)
		if rest <= 0 {
			return
		}
		pause(ctx, min(rest, pollInterval))
		if current, _ := s.credentials.current(); current != used {
			return
		}
	}
}

// jitter returns a duration of half to all of the given one.
func jitter(duration time.Duration) time.Duration { return duration/2 + rand.N(duration/2) }

func pause(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}
