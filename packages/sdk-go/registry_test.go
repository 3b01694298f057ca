package kplug

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// registry is a controller that receives heartbeats, on a real socket.
type registry struct {
	kplugv1.UnimplementedRegistryServiceServer
	*testing.T
	address string
	server  *grpc.Server

	mutex sync.Mutex
	// Log of what was received: register, beat, deregister.
	log []string
	// Last registration.
	registration *kplugv1.Registration
	// Metadata of all messages.
	secrets, tokens []string
	// Set before the start to refuse registrations, to request a drain, and to serve no sessions.
	refusal   *kplugv1.Refusal
	drain     bool
	unaryOnly bool
	// True to leave the registrations of sessions unanswered.
	mute     bool
	sessions int
}

func newRegistry(t *testing.T, address string, configure ...func(*registry)) *registry {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := &registry{T: t, address: listener.Addr().String(), server: grpc.NewServer()}
	for _, one := range configure {
		one(r)
	}
	kplugv1.RegisterRegistryServiceServer(r.server, r)
	go r.server.Serve(listener)
	t.Cleanup(r.server.Stop)
	return r
}

// received adds an entry to the log, and returns the answer to a registration.
func (r *registry) received(ctx context.Context, what string, registration *kplugv1.Registration) (*kplugv1.Lease, *kplugv1.Refusal) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.log = append(r.log, what)
	if incoming, found := metadata.FromIncomingContext(ctx); found {
		r.secrets = append(r.secrets, strings.Join(incoming.Get("kplug-secret"), ","))
		r.tokens = append(r.tokens, strings.Join(incoming.Get("authorization"), ","))
	}
	if registration != nil {
		r.registration = registration
	}
	return &kplugv1.Lease{Interval: durationpb.New(20 * time.Millisecond), Drain: r.drain}, r.refusal
}

func (r *registry) Session(stream grpc.BidiStreamingServer[kplugv1.SessionRequest, kplugv1.SessionResponse]) error {
	if r.unaryOnly {
		return status.Error(codes.Unimplemented, "no sessions")
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	r.add(1)
	defer r.add(-1)
	lease, refusal := r.received(stream.Context(), "register", first.GetRegistration())
	if refusal != nil {
		return stream.Send(&kplugv1.SessionResponse{Answer: &kplugv1.SessionResponse_Refusal{Refusal: refusal}})
	}
	if !r.mute {
		if err := stream.Send(&kplugv1.SessionResponse{Answer: &kplugv1.SessionResponse_Lease{Lease: lease}}); err != nil {
			return err
		}
	}
	for {
		if _, err := stream.Recv(); err != nil {
			// The plugin has ended its session.
			return nil
		}
		r.received(stream.Context(), "beat", nil)
	}
}

func (r *registry) add(sessions int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.sessions += sessions
}

func (r *registry) Heartbeat(ctx context.Context, request *kplugv1.HeartbeatRequest) (*kplugv1.HeartbeatResponse, error) {
	lease, refusal := r.received(ctx, "heartbeat", request.Registration)
	if refusal != nil {
		return &kplugv1.HeartbeatResponse{Answer: &kplugv1.HeartbeatResponse_Refusal{Refusal: refusal}}, nil
	}
	return &kplugv1.HeartbeatResponse{Answer: &kplugv1.HeartbeatResponse_Lease{Lease: lease}}, nil
}

func (r *registry) Deregister(ctx context.Context, _ *kplugv1.DeregisterRequest) (*kplugv1.DeregisterResponse, error) {
	r.received(ctx, "deregister", nil)
	return &kplugv1.DeregisterResponse{}, nil
}

// registered returns the last registration; nil if there was none.
func (r *registry) registered() *kplugv1.Registration {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.registration
}

// hasSessions reports whether a session is open.
func (r *registry) hasSessions() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.sessions > 0
}

// count returns how often something was received.
func (r *registry) count(what string) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	count := 0
	for _, one := range r.log {
		if one == what {
			count++
		}
	}
	return count
}

// identities returns the distinct secrets and tokens.
func (r *registry) identities() (secrets, tokens []string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	distinct := func(values []string) []string { return slices.Compact(slices.Sorted(slices.Values(values))) }
	return distinct(r.secrets), distinct(r.tokens)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timeout: %s", what)
		}
	}
}
