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

	kplugv1 "__MODULE__/gen/kplug/v1"
)

const (
	shortestWait = 50 * time.Millisecond
	longestWait  = 5 * time.Second
	// A controller's mind may change, but not soon. Of both waits half is left to chance.
	refusedWait = 20 * time.Second
	callTimeout = 3 * time.Second
)

// session makes an instance known to its controller and keeps it known.
type session struct {
	controller string
	// What proves who beats to a controller that started the plugin; empty otherwise.
	token        string
	registration *kplugv1.Registration
	// Called when the controller wishes the instance to drain.
	drain func()
	// Whether the controller keeps no sessions and is beaten to by single calls.
	unary bool
}

// refused is the end of a session whose registration the controller doesn't accept.
type refused struct{ *kplugv1.Refusal }

func (r refused) Error() string { return "the registration is refused: " + r.Message }

// keep registers and beats until the context is done, and begins again when that breaks.
func (s *session) keep(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		registered, err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if registered {
			failures = 0
		}
		wait := min(longestWait, shortestWait<<min(failures, 10))
		if errors.As(err, &refused{}) {
			wait = refusedWait
		}
		// One line for each time that it is away, not for each try.
		if failures == 0 || wait == refusedWait {
			slog.Warn("not registered; trying until it is", "controller", s.controller, "error", err)
		}
		// The jitter keeps a restarted controller from being stormed.
		pause(ctx, wait/2+rand.N(wait/2))
	}
}

// once registers and beats over a new connection, so that the controller's name is resolved anew. It returns when that breaks, or
// the context is done.
func (s *session) once(ctx context.Context) (registered bool, err error) {
	connection, err := s.connect()
	if err != nil {
		return false, err
	}
	defer connection.Close()
	registry := kplugv1.NewRegistryServiceClient(connection)
	if !s.unary {
		if registered, err = s.keepSession(ctx, registry); status.Code(err) != codes.Unimplemented {
			return registered, err
		}
		s.unary = true
	}
	return s.keepBeating(ctx, registry)
}

func (s *session) keepSession(ctx context.Context, registry kplugv1.RegistryServiceClient) (registered bool, err error) {
	// It outlives the context by what it takes to say goodbye.
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

	answers := make(chan *kplugv1.SessionResponse)
	ended := make(chan error, 1)
	go func() {
		for {
			answer, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case answers <- answer:
			case <-streamContext.Done():
			}
		}
	}()

	beats := time.NewTicker(longestWait)
	defer beats.Stop()
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
			return registered, fmt.Errorf("the session ended: %w", err)
		case answer := <-answers:
			if refusal := answer.GetRefusal(); refusal != nil {
				return registered, refused{refusal}
			}
			beats.Reset(s.accept(answer.GetLease(), registered))
			registered = true
		case <-beats.C:
			// What is wrong with the stream is learnt where it is read.
			_ = stream.Send(&kplugv1.SessionRequest{Message: &kplugv1.SessionRequest_Beat{Beat: &kplugv1.Beat{}}})
		}
	}
}

func (s *session) keepBeating(ctx context.Context, registry kplugv1.RegistryServiceClient) (registered bool, err error) {
	for ctx.Err() == nil {
		callContext, cancel := context.WithTimeout(ctx, callTimeout)
		answer, err := registry.Heartbeat(callContext, &kplugv1.HeartbeatRequest{Registration: s.registration})
		cancel()
		if err != nil {
			return registered, err
		}
		if refusal := answer.GetRefusal(); refusal != nil {
			return registered, refused{refusal}
		}
		interval := s.accept(answer.GetLease(), registered)
		registered = true
		pause(ctx, interval)
	}
	return registered, ctx.Err()
}

// accept takes a lease's terms, and returns the interval to beat at.
func (s *session) accept(lease *kplugv1.Lease, registered bool) time.Duration {
	if !registered {
		slog.Info("registered", "controller", s.controller, "instance", s.registration.InstanceId)
	}
	if lease.GetDrain() {
		slog.Info("the controller wishes the plugin to drain")
		s.drain()
	}
	return max(10*time.Millisecond, lease.GetInterval().AsDuration())
}

// deregister tells the controller that the instance is about to stop, so that it gets no new calls. The session goes on.
func (s *session) deregister() {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	connection, err := s.connect()
	if err == nil {
		defer connection.Close()
		request := &kplugv1.DeregisterRequest{InstanceId: s.registration.InstanceId}
		_, err = kplugv1.NewRegistryServiceClient(connection).Deregister(ctx, request)
	}
	if err != nil {
		slog.Warn("the controller could not be told that the plugin stops; its lease will end", "error", err)
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

// bearer is sent with each call, if there is a token.
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
