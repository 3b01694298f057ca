package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

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
)

// session registers an instance with its controller and keeps the registration alive.
type session struct {
	controller string
	// Token that authenticates the plugin to a controller that started it; empty otherwise.
	token        string
	registration *kplugv1.Registration
	// Called when the controller requests a drain.
	drain func()
	// True if the controller has no sessions and gets heartbeats as unary calls.
	unary bool
}

// refused is the error for a registration that the controller refused.
type refused struct{ *kplugv1.Refusal }

func (r refused) Error() string { return "registration refused: " + r.Message }

// run registers and sends heartbeats until the context is done, and reconnects after failures.
func (s *session) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		registered, err := s.connectOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if registered {
			failures = 0
		}
		delay := min(maxDelay, minDelay<<min(failures, 10))
		if errors.As(err, &refused{}) {
			delay = refusedDelay
		}
		// One warning per outage, not per attempt.
		if failures == 0 || delay == refusedDelay {
			// The session of a plugin that the operator started usually ends because the operator stops both.
			level := slog.LevelWarn
			if s.token != "" && delay != refusedDelay {
				level = slog.LevelDebug
			}
			slog.Log(ctx, level, fmt.Sprintf("heartbeat to %s failed: %s; retrying", s.controller, err))
		}
		// Jitter keeps plugins from reconnecting to a restarted controller at the same time.
		pause(ctx, delay/2+rand.N(delay/2))
	}
}

// connectOnce registers and sends heartbeats over a new connection, so that the name of the controller is resolved again. It returns
// when the connection breaks or the context is done.
func (s *session) connectOnce(ctx context.Context) (registered bool, err error) {
	connection, err := s.connect()
	if err != nil {
		return false, err
	}
	defer connection.Close()
	registry := kplugv1.NewRegistryServiceClient(connection)
	if !s.unary {
		if registered, err = s.openSession(ctx, registry); status.Code(err) != codes.Unimplemented {
			return registered, err
		}
		s.unary = true
	}
	return s.sendHeartbeats(ctx, registry)
}

func (s *session) openSession(ctx context.Context, registry kplugv1.RegistryServiceClient) (registered bool, err error) {
	// The stream outlives the context, to be closed gracefully.
	streamContext, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stream, err := registry.Session(streamContext)
	if err != nil {
		return false, err
	}
	registration := &kplugv1.SessionRequest_Registration{Registration: s.registration}
	if err := stream.Send(&kplugv1.SessionRequest{Message: registration}); err != nil && err != io.EOF {
		return false, err
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
	for {
		select {
		case <-ctx.Done():
			stream.CloseSend()
			select {
			case <-ended:
			case <-time.After(callTimeout):
			}
			return registered, ctx.Err()
		case err := <-ended:
			return registered, fmt.Errorf("session ended: %w", err)
		case response := <-responses:
			if refusal := response.GetRefusal(); refusal != nil {
				return registered, refused{refusal}
			}
			ticker.Reset(s.accept(response.GetLease(), registered))
			registered = true
		case <-ticker.C:
			// Recv returns the error of a broken stream.
			_ = stream.Send(&kplugv1.SessionRequest{Message: &kplugv1.SessionRequest_Beat{Beat: &kplugv1.Beat{}}})
		}
	}
}

func (s *session) sendHeartbeats(ctx context.Context, registry kplugv1.RegistryServiceClient) (registered bool, err error) {
	for ctx.Err() == nil {
		callContext, cancel := context.WithTimeout(ctx, callTimeout)
		response, err := registry.Heartbeat(callContext, &kplugv1.HeartbeatRequest{Registration: s.registration})
		cancel()
		if err != nil {
			return registered, err
		}
		if refusal := response.GetRefusal(); refusal != nil {
			return registered, refused{refusal}
		}
		interval := s.accept(response.GetLease(), registered)
		registered = true
		pause(ctx, interval)
	}
	return registered, ctx.Err()
}

// accept handles a lease and returns the interval between heartbeats.
func (s *session) accept(lease *kplugv1.Lease, registered bool) time.Duration {
	if !registered {
		slog.Info("registered", "controller", s.controller, "instance", s.registration.InstanceId)
	}
	if lease.GetDrain() {
		slog.Info("the controller requested a drain")
		s.drain()
	}
	return max(10*time.Millisecond, lease.GetInterval().AsDuration())
}

// deregister tells the controller that the instance is about to stop, so that it gets no new calls. Heartbeats continue.
func (s *session) deregister() {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	connection, err := s.connect()
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

func (s *session) connect() (*grpc.ClientConn, error) {
	return grpc.NewClient(s.controller,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(bearer(s.token)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: callTimeout}),
	)
}

// bearer is a token that is sent with each call, unless it is empty.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if b == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }

func pause(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}
