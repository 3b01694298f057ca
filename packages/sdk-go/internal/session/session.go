// Package session registers an instance with its controller, and keeps the registration alive.
package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
	"kplug.dev/sdk-go/internal/security"
)

const (
	minDelay = 50 * time.Millisecond
	maxDelay = 5 * time.Second
	// Longest delay before a refused registration is retried. The configuration of the controller may change, but rarely does.
	refusedDelay = 20 * time.Second
	// Interval between heartbeats until the controller has granted one.
	defaultInterval = 5 * time.Second
	// Shortest interval between heartbeats, whatever the controller grants.
	minInterval = 10 * time.Millisecond
	callTimeout = 3 * time.Second
	// Interval at which token, CA bundle and certificate files are checked for changes.
	pollInterval = time.Second
	// Time that the controller has to answer the registration of a session, the connection included.
	answerTimeout = 10 * time.Second
	// Maximum number of failures and refusals that are remembered, so that each is logged once.
	maxLoggedFailures = 100
)

// Session registers an instance with its controller and keeps the registration alive. When the token, CA bundle or certificate changes, a
// stream with the new ones replaces the stream after it was accepted, so that the controller never misses the plugin.
type Session struct {
	Settings     *security.Settings
	Credentials  *security.Source
	Registration *kplugv1.Registration
	// Called when the controller requests a drain.
	Drain func()
	Log   *slog.Logger

	// True if the controller has no sessions and gets heartbeats as unary calls.
	unary bool
	// True if a controller has accepted the registration and is still connected.
	registered bool
	// Failures and refusals that were logged since the last lease.
	logged map[string]bool
	// Proof of the current connection.
	used atomic.Pointer[security.Proof]
}

// refused is the error for a registration that the controller refused.
type refused struct{ *kplugv1.Refusal }

func (r refused) Error() string { return "registration refused: " + r.Message }

// errChanged ends unary heartbeats whose token or certificate changed.
var errChanged = errors.New("the token or certificate changed")

// Run registers and sends heartbeats until the context is done, and reconnects after failures.
func (s *Session) Run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		used, isComplete := s.Credentials.Current()
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
func (s *Session) connectOnce(ctx context.Context, used security.Proof) error {
	if !s.unary {
		if err := s.keepStream(ctx, used); status.Code(err) != codes.Unimplemented {
			return err
		}
		s.unary = true
	}
	return s.sendHeartbeats(ctx, used)
}

// keepStream keeps a stream until it ends, and replaces it when the token or certificate changes.
func (s *Session) keepStream(ctx context.Context, used security.Proof) error {
	current := s.open(ctx, used)
	accepted := current.accepted
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	var tried security.Proof
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
		next, isComplete := s.Credentials.Current()
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
		s.Log.Info("token or certificate changed; replaced the session")
	}
}

func (s *Session) sendHeartbeats(ctx context.Context, used security.Proof) error {
	connection, err := s.connect(used)
	if err != nil {
		return err
	}
	defer connection.Close()
	registry := kplugv1.NewRegistryServiceClient(connection)
	registration := s.registrationWith(used)
	for ctx.Err() == nil {
		if current, _ := s.Credentials.Current(); current != used {
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
func (s *Session) accept(lease *kplugv1.Lease) time.Duration {
	if lease.GetDrain() {
		s.Log.Info("the controller requested a drain")
		s.Drain()
	}
	if lease.GetInterval() == nil {
		return defaultInterval
	}
	return max(minInterval, lease.GetInterval().AsDuration())
}

func (s *Session) onRegistered() {
	clear(s.logged)
	if !s.registered {
		s.Log.Info("registered", "controller", s.Settings.Controller, "instance", s.Registration.InstanceId)
	}
	s.registered = true
}

// logFailure logs a failure or refusal once per outage, not per attempt.
func (s *Session) logFailure(ctx context.Context, err error, consequence string) {
	kind, text := "failure", fmt.Sprintf("heartbeat to %s failed: %s", s.Settings.Controller, err)
	level := slog.LevelWarn
	if errors.As(err, &refused{}) {
		kind = err.Error()
	} else if advice := adviceOn(err); advice != "" && s.Settings.UsesTLS() {
		kind, text = advice, text+"; "+advice
	} else if s.Settings.IsHosted() {
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
	s.Log.Log(ctx, level, text+"; "+consequence)
}

// Deregister tells the controller that the instance is about to stop, so that it gets no new calls. Heartbeats continue.
func (s *Session) Deregister() {
	used := s.used.Load()
	if used == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	connection, err := s.connect(*used)
	if err == nil {
		defer connection.Close()
		request := &kplugv1.DeregisterRequest{InstanceId: s.Registration.InstanceId}
		_, err = kplugv1.NewRegistryServiceClient(connection).Deregister(ctx, request)
	}
	// A controller that is gone, such as one that stops its plugins when it stops, needs no deregistration.
	if err != nil && status.Code(err) != codes.Unavailable {
		s.Log.Warn("deregistration failed; the lease will expire instead", "error", err)
	}
}

// registrationWith returns the registration with the certificate that the plugin presents.
func (s *Session) registrationWith(used security.Proof) *kplugv1.Registration {
	certificate := used.Certificate()
	if certificate == nil {
		return s.Registration
	}
	registration := proto.CloneOf(s.Registration)
	registration.Certificate = certificate
	return registration
}

func (s *Session) connect(used security.Proof) (*grpc.ClientConn, error) {
	options := append(s.Credentials.DialOptions(used),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: callTimeout}),
	)
	return grpc.NewClient(s.Settings.Controller, options...)
}

// pauseUntilChanged waits, but no longer than until the token or certificate changes.
func (s *Session) pauseUntilChanged(ctx context.Context, used security.Proof, duration time.Duration) {
	for end := time.Now().Add(duration); ctx.Err() == nil; {
		rest := time.Until(end)
		if rest <= 0 {
			return
		}
		pause(ctx, min(rest, pollInterval))
		if current, _ := s.Credentials.Current(); current != used {
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
