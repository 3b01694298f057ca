package kplug

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// served is a plugin that is served on a real socket.
type served struct {
	*testing.T
	registry *registry
	stop     context.CancelFunc
	stopped  chan error
	logged   *logged
}

// logged is the output of a logger.
type logged struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.buffer.Write(line)
}

func (l *logged) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.buffer.String()
}

func start(t *testing.T, registry *registry, plugin Plugin) *served {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &served{T: t, registry: registry, stop: stop, stopped: make(chan error, 1), logged: &logged{}}
	plugin.Name, plugin.Version = "Greeter", "1.0.0"
	plugin.Logger = slog.New(slog.NewTextHandler(s.logged, nil))
	plugin.Options.Controller = registry.address
	go func() { s.stopped <- Serve(ctx, plugin) }()
	t.Cleanup(stop)
	return s
}

// connect connects to the plugin at its registered address.
func (s *served) connect() *grpc.ClientConn {
	s.Helper()
	eventually(s.T, "the plugin is registered", func() bool { return s.registry.registered() != nil })
	connection, err := grpc.NewClient(s.registry.registered().Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { connection.Close() })
	return connection
}

func (s *served) expectStopped() {
	s.Helper()
	select {
	case err := <-s.stopped:
		if err != nil {
			s.Error(err)
		}
	case <-time.After(20 * time.Second):
		s.Fatal("the plugin does not stop")
	}
}

func TestServeRegistersAndAnswers(t *testing.T) {
	registry := newRegistry(t, "127.0.0.1:0")
	health := NewHealth()
	other := greeter(returning(nil))
	other.Name = "Farewell"
	s := start(t, registry, Plugin{
		APIs: []Implementation{greeter(returning(&result{Status: &greetingStatus{Text: "Hello"}})), other}, Health: health,
		Options: Options{Token: "a-token", InstanceID: "i"},
	})
	connection := s.connect()
	client := kplugv1.NewPluginServiceClient(connection)
	info, err := client.GetInfo(t.Context(), &kplugv1.GetInfoRequest{})
	if err != nil || info.InstanceId != "i" || info.Plugin != "Greeter" || !info.ServesWork || !info.SerializesCalls || len(info.Apis) != 2 {
		t.Errorf("got %v, %v", info, err)
	}
	response, err := client.Reconcile(t.Context(), &kplugv1.ReconcileRequest{
		Base: world(), Assignment: &kplugv1.Assignment{Api: "Greeting", ApiVersion: "1.0.0"},
	})
	if err != nil || string(response.BaseStatus) != `{"text":"Hello"}` {
		t.Errorf("got %v, %v", response, err)
	}
	check := func(service string) string {
		answer, err := healthv1.NewHealthClient(connection).Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
		if err != nil {
			return status.Code(err).String()
		}
		return answer.Status.String()
	}
	health.SetServing("Farewell", false)
	for service, expected := range map[string]string{"": "SERVING", "Greeting": "SERVING", "Farewell": "NOT_SERVING", "Other": "NotFound"} {
		if got := check(service); got != expected {
			t.Errorf("the health of %q is %s, want %s", service, got, expected)
		}
	}
	services, err := reflectionv1.NewServerReflectionClient(connection).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}
	if err := services.Send(request); err != nil {
		t.Fatal(err)
	}
	if listed, err := services.Recv(); err != nil || !strings.Contains(listed.String(), "kplug.v1.PluginService") {
		t.Errorf("got %v, %v", listed, err)
	}
	services.CloseSend()

	eventually(t, "heartbeats", func() bool { return registry.count("beat") > 2 })
	s.stop()
	s.expectStopped()
	secrets, tokens := registry.identities()
	if len(secrets) != 1 || len(secrets[0]) != 43 || len(tokens) != 1 || tokens[0] != "Bearer a-token" {
		t.Errorf("got the secrets %q and the tokens %q", secrets, tokens)
	}
	if registry.count("register") != 1 || registry.count("deregister") != 1 {
		t.Errorf("registered %d times", registry.count("register"))
	}
	eventually(t, "the session ends", func() bool { return !registry.hasSessions() })
	if log := s.logged.String(); strings.Contains(log, "a-token") || strings.Contains(log, secrets[0]) || !strings.Contains(log, "registered") {
		t.Error(log)
	}
}

func TestServeUsesHeartbeatsWhereThereAreNoSessions(t *testing.T) {
	registry := newRegistry(t, "127.0.0.1:0", func(r *registry) { r.unaryOnly = true })
	s := start(t, registry, Plugin{APIs: []Implementation{greeter(returning(nil))}})
	eventually(t, "heartbeats", func() bool { return registry.count("heartbeat") > 2 })
	s.stop()
	s.expectStopped()
	if registry.count("deregister") != 1 {
		t.Error("the plugin did not deregister")
	}
}

func TestServeRegistersAgainAfterARestartOfTheController(t *testing.T) {
	first := newRegistry(t, "127.0.0.1:0")
	s := start(t, first, Plugin{APIs: []Implementation{greeter(returning(nil))}})
	eventually(t, "the first registration", func() bool { return first.count("register") == 1 })
	first.server.Stop()
	second := newRegistry(t, first.address)
	eventually(t, "the second registration", func() bool { return second.count("register") == 1 })
	if first.registered().InstanceId != second.registered().InstanceId {
		t.Error("the instance has another id")
	}
	firstSecrets, _ := first.identities()
	secondSecrets, _ := second.identities()
	if firstSecrets[0] != secondSecrets[0] {
		t.Error("the instance has another secret")
	}
	// A request to drain stops the plugin.
	second.server.Stop()
	third := newRegistry(t, first.address, func(r *registry) { r.drain = true })
	s.expectStopped()
	if third.count("deregister") != 1 || !strings.Contains(s.logged.String(), "the controller requested a drain") {
		t.Error(s.logged)
	}
}

func TestServeRegistersAgainIfARegistrationIsNotAnswered(t *testing.T) {
	registry := newRegistry(t, "127.0.0.1:0", func(r *registry) { r.mute = true })
	s := start(t, registry, Plugin{APIs: []Implementation{greeter(returning(nil))}})
	eventually(t, "the second registration", func() bool { return registry.count("register") > 1 })
	if !strings.Contains(s.logged.String(), "no answer within 10s; retrying") {
		t.Error(s.logged)
	}
	s.stop()
	s.expectStopped()
}

func TestServeLogsRefusalsOnce(t *testing.T) {
	refusal := &kplugv1.Refusal{Message: "the name belongs to another identity"}
	registry := newRegistry(t, "127.0.0.1:0", func(r *registry) { r.refusal = refusal })
	s := start(t, registry, Plugin{APIs: []Implementation{greeter(returning(nil))}})
	eventually(t, "the refusal is logged", func() bool {
		return strings.Contains(s.logged.String(), "registration refused: the name belongs to another identity; retrying")
	})
	s.stop()
	s.expectStopped()
	if registry.count("register") != 1 {
		t.Error("the registration was retried immediately")
	}
}

func TestServeFinishesInFlightCalls(t *testing.T) {
	registry := newRegistry(t, "127.0.0.1:0")
	started, release := make(chan struct{}, 2), make(chan struct{})
	s := start(t, registry, Plugin{APIs: []Implementation{greeter(func(context.Context, *call) (*result, error) {
		started <- struct{}{}
		<-release
		return &result{Status: &greetingStatus{Text: "done"}}, nil
	})}})
	client := kplugv1.NewPluginServiceClient(s.connect())
	work, err := client.Work(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := work.Send(&kplugv1.WorkRequest{Id: 7, Call: &kplugv1.WorkRequest_Reconcile{Reconcile: &kplugv1.ReconcileRequest{Base: world()}}}); err != nil {
		t.Fatal(err)
	}
	answers := make(chan *kplugv1.ReconcileResponse)
	go func() {
		base := resource(`{"metadata":{"uid":"other"},"spec":{"who":"World"}}`)
		response, _ := client.Reconcile(context.Background(), &kplugv1.ReconcileRequest{Base: base})
		answers <- response
	}()
	<-started
	<-started
	s.stop()
	eventually(t, "the plugin is deregistered", func() bool { return registry.count("deregister") == 1 })
	beats := registry.count("beat")
	eventually(t, "heartbeats go on", func() bool { return registry.count("beat") > beats+2 })
	eventually(t, "new calls are rejected", func() bool {
		_, err := client.Finalize(t.Context(), &kplugv1.FinalizeRequest{Base: world()})
		return status.Code(err) == codes.Unavailable
	})
	close(release)
	if response := <-answers; string(response.GetBaseStatus()) != `{"text":"done"}` {
		t.Errorf("got %v", response)
	}
	if response, err := work.Recv(); err != nil || response.Id != 7 || string(response.GetReconcile().GetBaseStatus()) != `{"text":"done"}` {
		t.Errorf("got %v, %v", response, err)
	}
	s.expectStopped()
	if strings.Contains(s.logged.String(), "drain timeout") {
		t.Error(s.logged)
	}
}

func TestServeCancelsCallsAfterTheDrainTimeout(t *testing.T) {
	registry := newRegistry(t, "127.0.0.1:0")
	started, cancelled := make(chan struct{}), make(chan struct{})
	s := start(t, registry, Plugin{
		APIs: []Implementation{greeter(func(ctx context.Context, _ *call) (*result, error) {
			close(started)
			<-ctx.Done()
			close(cancelled)
			return nil, ctx.Err()
		})},
		Options: Options{DrainTimeout: 50 * time.Millisecond},
	})
	client := kplugv1.NewPluginServiceClient(s.connect())
	go client.Reconcile(context.Background(), &kplugv1.ReconcileRequest{Base: world()})
	<-started
	s.stop()
	<-cancelled
	s.expectStopped()
	if !strings.Contains(s.logged.String(), "drain timeout exceeded") {
		t.Error(s.logged)
	}
}

func TestWorkAnswersInAnyOrderAndCancels(t *testing.T) {
	registry := newRegistry(t, "127.0.0.1:0")
	waiting, cancelled := make(chan struct{}), make(chan struct{})
	api := greeter(func(ctx context.Context, c *call) (*result, error) {
		if c.Base.Metadata.UID == "slow" {
			close(waiting)
			<-ctx.Done()
			close(cancelled)
		}
		return nil, ctx.Err()
	})
	s := start(t, registry, Plugin{APIs: []Implementation{api}})
	work, err := kplugv1.NewPluginServiceClient(s.connect()).Work(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	send := func(request *kplugv1.WorkRequest) {
		if err := work.Send(request); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(id uint32, expected string) {
		t.Helper()
		response, err := work.Recv()
		if err != nil || response.Id != id || !strings.Contains(response.String(), expected) {
			t.Errorf("got %v, %v, want %d %s", response, err, id, expected)
		}
	}
	slow := resource(`{"metadata":{"uid":"slow"},"spec":{"who":"World"}}`)
	send(&kplugv1.WorkRequest{Id: 1, Call: &kplugv1.WorkRequest_Reconcile{Reconcile: &kplugv1.ReconcileRequest{Base: slow}}})
	<-waiting
	send(&kplugv1.WorkRequest{Id: 2, Call: &kplugv1.WorkRequest_Finalize{Finalize: &kplugv1.FinalizeRequest{Base: world()}}})
	expect(2, "OUTCOME_SUCCESS")
	send(&kplugv1.WorkRequest{Id: 3})
	expect(3, "this plugin does not support the call")
	cancellation := &kplugv1.WorkRequest_Cancellation{Cancellation: &kplugv1.WorkCancellation{}}
	send(&kplugv1.WorkRequest{Id: 1, Call: cancellation})
	<-cancelled
	send(&kplugv1.WorkRequest{Id: 1, Call: cancellation})
	send(&kplugv1.WorkRequest{Id: 4, Call: &kplugv1.WorkRequest_Reconcile{Reconcile: &kplugv1.ReconcileRequest{Base: world()}}})
	expect(4, "OUTCOME_SUCCESS")
	work.CloseSend()
	s.stop()
	s.expectStopped()
}

func TestServeFailsForAnAddressInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	plugin := Plugin{
		Name: "Greeter", Version: "1.0.0", APIs: []Implementation{greeter(returning(nil))},
		Options: Options{Controller: "127.0.0.1:1", BindAddress: listener.Addr().String()},
	}
	if err := Serve(t.Context(), plugin); err == nil || !strings.Contains(err.Error(), "set KPLUG_BIND_ADDRESS") {
		t.Errorf("got %v", err)
	}
}

func TestServeWithoutHeartbeats(t *testing.T) {
	output := &logged{}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	plugin := Plugin{
		Name: "Greeter", Version: "1.0.0", APIs: []Implementation{greeter(returning(nil))}, Logger: slog.New(slog.NewTextHandler(output, nil)),
		Options: Options{Controller: "none", BindAddress: "127.0.0.1:0"},
	}
	go func() { stopped <- Serve(ctx, plugin) }()
	eventually(t, "the plugin listens", func() bool { return strings.Contains(output.String(), "sending no heartbeats") })
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
