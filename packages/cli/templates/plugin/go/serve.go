package main

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	kplugv1 "__MODULE__/gen/kplug/v1"
)

// maxAnswerSize is the largest answer that is sent, in bytes: controllers accept 4 MiB by default. A larger one fails its call.
const maxAnswerSize = 4 << 20

// connectionGracePeriod is the longest time that connections stay open after the last call has ended.
const connectionGracePeriod = time.Second

// serve answers calls and keeps the plugin registered until the context is done or the controller requests a drain. Then it
// deregisters, finishes in-flight calls and returns.
func serve(
	ctx context.Context, listener net.Listener, service *service, controller string, security *security, drainTimeout time.Duration,
) error {
	ctx, drain := context.WithCancel(ctx)
	defer drain()
	if security.insecure {
		slog.Warn("KPLUG_INSECURE is set: heartbeats and calls are neither encrypted nor authenticated")
	}
	source, err := newCredentialSource(security, service.registration.InstanceId)
	if err != nil {
		return err
	}
	callers := insecure.NewCredentials()
	if security.usesTLS() {
		callers = newCallerCredentials(source)
	}

	// Each call holds a read lock. Locking for writing waits for in-flight calls, and rejects new ones from then on.
	var calls sync.RWMutex
	var locks resourceLocks
	server := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, request any, call *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if strings.HasPrefix(call.FullMethod, "/"+kplugv1.PluginService_ServiceDesc.ServiceName+"/") {
				if !calls.TryRLock() {
					return nil, status.Error(codes.Unavailable, "the plugin is stopping")
				}
				defer calls.RUnlock()
			}
			unlock, err := locks.lock(ctx, uidOf(request))
			if err != nil {
				return nil, err
			}
			defer unlock()
			return handler(ctx, request)
		}),
		// Controllers ping their idle connections. By default, grpc-go closes connections with so many pings.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.Creds(callers),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.MaxConcurrentStreams(1000),
		grpc.MaxSendMsgSize(maxAnswerSize),
	)
	kplugv1.RegisterPluginServiceServer(server, service)
	// The plugin is healthy as long as it runs.
	healthv1.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	session := &session{
		controller:   controller,
		credentials:  source,
		registration: service.registration,
		drain:        drain,
	}
	sessionContext, endSession := context.WithCancel(context.WithoutCancel(ctx))
	defer endSession()
	var sessions sync.WaitGroup
	sessions.Go(func() { session.run(sessionContext) })

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	session.deregister()
	if !waitFor(calls.Lock, drainTimeout) {
		slog.Warn("drain timeout exceeded; cancelling in-flight calls", "drainTimeout", drainTimeout)
	}
	// Sends the last responses, then closes connections with open streams, such as health watches.
	if !waitFor(server.GracefulStop, connectionGracePeriod) {
		server.Stop()
	}
	endSession()
	sessions.Wait()
	slog.Info("stopped")
	return nil
}

// waitFor reports whether some work finished before a timeout. Unfinished work continues until the process exits.
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
