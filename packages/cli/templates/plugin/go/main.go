// Command plugin divides networks among subnets.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/google/uuid"

	kplugv1 "__MODULE__/gen/kplug/v1"
)

// definition is the identity of the plugin. All instances register the same.
var definition = kplugv1.Registration{
	Plugin:  "__NAME__",
	Version: "0.1.0",
	Apis:    []*kplugv1.PluginApi{{Name: "__API__", Version: "__API_VERSION__"}},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("the plugin failed", "error", err)
		os.Exit(1)
	}
}

// run serves the plugin and keeps it registered until the context is done or the controller requests a drain.
func run(ctx context.Context) error {
	drainTimeout, err := time.ParseDuration(cmp.Or(os.Getenv("KPLUG_DRAIN_TIMEOUT"), "25000") + "ms")
	if err != nil {
		return err
	}
	controller := cmp.Or(os.Getenv("KPLUG_CONTROLLER"), "localhost:50050")
	security, err := readSecurity(controller)
	if err != nil {
		return err
	}
	listener, address, err := listen(os.Getenv("KPLUG_BIND_ADDRESS"), controller, security)
	if err != nil {
		return err
	}
	registration := &definition
	registration.Address = cmp.Or(os.Getenv("KPLUG_ADDRESS"), address)
	registration.InstanceId = cmp.Or(os.Getenv("KPLUG_INSTANCE_ID"), uuid.NewString())
	if namespace, name := os.Getenv("KPLUG_POD_NAMESPACE"), os.Getenv("KPLUG_POD_NAME"); namespace != "" && name != "" {
		registration.Pod = &kplugv1.PodReference{Namespace: namespace, Name: name}
	}
	return serve(ctx, listener, &service{registration: registration}, controller, security, drainTimeout)
}
