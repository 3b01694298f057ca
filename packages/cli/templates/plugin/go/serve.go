package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	kplugv1 "__MODULE__/gen/kplug/v1"
)

// How long connections may stay open after the last call has ended.
const lingerTime = time.Second

// serve answers calls and keeps the plugin registered until the context is done or the controller wishes it to drain. Then it
// deregisters, finishes the calls under way and returns.
func serve(ctx context.Context, listener net.Listener, service *service, controller string, drainTimeout time.Duration) error {
	ctx, drain := context.WithCancel(ctx)
	defer drain()

	// Calls are its readers. Whoever waits to write waits for them, and there are no new ones from then on.
	var calls sync.RWMutex
	server := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, request any, call *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if strings.HasPrefix(call.FullMethod, "/"+kplugv1.PluginService_ServiceDesc.ServiceName+"/") {
				if !calls.TryRLock() {
					return nil, status.Error(codes.Unavailable, "the plugin is stopping")
				}
				defer calls.RUnlock()
			}
			return handler(ctx, request)
		}),
		// Controllers ping their idle connections, which grpc-go would close them for.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.MaxConcurrentStreams(1000),
	)
	kplugv1.RegisterPluginServiceServer(server, service)
	// It is healthy for as long as it is there.
	healthv1.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	session := &session{
		controller:   controller,
		token:        os.Getenv("KPLUG_TOKEN"),
		registration: service.registration,
		drain:        drain,
	}
	beating, beatNoMore := context.WithCancel(context.WithoutCancel(ctx))
	defer beatNoMore()
	var heart sync.WaitGroup
	heart.Go(func() { session.keep(beating) })

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	session.deregister()
	if !waitFor(calls.Lock, drainTimeout) {
		slog.Warn("calls took too long and are cut off", "drainTimeout", drainTimeout)
	}
	// The last answers are sent. Connections that somebody keeps open, such as those of health watches, are cut.
	if !waitFor(server.GracefulStop, lingerTime) {
		server.Stop()
	}
	beatNoMore()
	heart.Wait()
	slog.Info("stopped")
	return nil
}

// waitFor reports whether something was done in time. It is left alone when it wasn't, as the process ends.
func waitFor(work func(), timeout time.Duration) bool {
	done := make(chan struct{})
	go func() {
		work()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(timeout):
		return false
	}
}
