package kplug

import (
	"context"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
	"kplug.dev/sdk-go/internal/security"
	"kplug.dev/sdk-go/internal/session"
)

const (
	// connectionGracePeriod is the longest time that connections stay open after the last call has ended.
	connectionGracePeriod = time.Second
	// minPingInterval is the shortest interval of pings that is accepted. By default, grpc-go closes connections with the pings of a
	// controller, which are 30 s apart.
	minPingInterval = 5 * time.Second
	// maxStreams is the maximum number of concurrent calls on one connection.
	maxStreams = 1000
	// maxConnectionAge is the age at which a connection is closed; operators connect again.
	maxConnectionAge = 24 * time.Hour
	// maxConnectionAgeGrace is the time that the calls of a connection may take to end after its maximum age.
	maxConnectionAgeGrace = time.Hour
)

// Main serves a plugin until the process gets SIGTERM or an interrupt, or the controller requests a drain, and then returns. It logs the
// error of a plugin that can't be served, and exits with 1. A second signal ends the process immediately.
func Main(plugin Plugin) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)
	if err := Serve(ctx, plugin); err != nil {
		plugin.logger().Error("the plugin failed", "error", err)
		os.Exit(1)
	}
}

// Serve answers calls and keeps the plugin registered until the context is done or the controller requests a drain. Then it deregisters,
// finishes in-flight calls, ends the session and returns nil. It returns an error if the definition or an option is invalid, or if the
// plugin can't listen. If KPLUG_DESCRIBE has the path of a file, it writes the schemas of the plugin there for kplug crd, and returns.
func Serve(ctx context.Context, plugin Plugin) error {
	if file := os.Getenv("KPLUG_DESCRIBE"); file != "" {
		return writeDescription(file, plugin)
	}
	plugin, err := withLogLevel(plugin, os.Getenv)
	if err != nil {
		return err
	}
	settings, err := readSettings(plugin.Options, os.Getenv, security.Folder)
	if err != nil {
		return err
	}
	registration := settings.registration
	service, err := newService(plugin, registration.InstanceId, settings.maxAnswerSize)
	if err != nil {
		return err
	}
	credentials, err := security.NewSource(&settings.security, registration.InstanceId, plugin.logger())
	if err != nil {
		return err
	}
	listener, address, err := settings.security.Listen()
	if err != nil {
		return err
	}
	registration.Plugin, registration.Version, registration.Apis = plugin.Name, plugin.Version, service.info.Apis
	if registration.Address == "" {
		registration.Address = address
	}
	server := newServer(plugin, service, settings, credentials)
	return run(ctx, server, listener, service, settings, credentials)
}

// newServer returns the gRPC server of a plugin.
func newServer(plugin Plugin, service *service, settings *settings, source *security.Source) *grpc.Server {
	callers := insecure.NewCredentials()
	if settings.security.UsesTLS() {
		callers = security.NewCallerCredentials(source)
	}
	server := grpc.NewServer(
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingInterval, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: maxConnectionAge, MaxConnectionAgeGrace: maxConnectionAgeGrace}),
		grpc.Creds(callers),
		grpc.ConnectionTimeout(security.HandshakeTimeout),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxRecvMsgSize(settings.maxMessageSize),
		// For the responses of other services. Answers are limited before they are sent.
		grpc.MaxSendMsgSize(settings.maxAnswerSize),
	)
	kplugv1.RegisterPluginServiceServer(server, service)
	health := plugin.Health
	if health == nil {
		health = NewHealth()
	}
	for _, api := range service.info.Apis {
		health.addAPI(api.Name)
	}
	healthv1.RegisterHealthServer(server, health.server)
	reflection.Register(server)
	return server
}

func run(
	ctx context.Context, server *grpc.Server, listener net.Listener, service *service, settings *settings, source *security.Source,
) error {
	ctx, drain := context.WithCancel(ctx)
	defer drain()
	if settings.security.Insecure {
		service.log.Warn("KPLUG_INSECURE is set: heartbeats and calls are neither encrypted nor authenticated")
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	heartbeats := &session.Session{
		Settings: &settings.security, Credentials: source, Registration: settings.registration, Drain: drain, Log: service.log,
	}
	sessionContext, endSession := context.WithCancel(context.WithoutCancel(ctx))
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer endSession()
	if settings.security.Controller == security.NoController {
		service.log.Info("listening; sending no heartbeats", "address", listener.Addr().String())
	} else {
		sessions.Go(func() { heartbeats.Run(sessionContext) })
	}

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	heartbeats.Deregister()
	if !service.calls.drain(settings.drainTimeout) {
		service.log.Warn("drain timeout exceeded; cancelling in-flight calls", "drainTimeout", settings.drainTimeout)
	}
	close(service.ending)
	// Sends the last answers, then closes connections with open streams, such as health watches, which never end by themselves.
	if !waitFor(server.GracefulStop, connectionGracePeriod) {
		server.Stop()
	}
	// The controller ignores answers that arrive after the session has ended.
	endSession()
	sessions.Wait()
	service.log.Info("stopped")
	return nil
}
