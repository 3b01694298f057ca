// Command sqlite-plugin is a plugin that keeps a table in an SQLite file for each DatabaseTable. Its serverName is the name of the file.
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

	kplugv1 "example.org/sqlite-plugin/gen/kplug/v1"
)

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
	checkInterval, err := time.ParseDuration(cmp.Or(os.Getenv("DATABASE_TABLE_CHECK_INTERVAL"), "30000") + "ms")
	if err != nil {
		return err
	}
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
	registration := &kplugv1.Registration{
		Plugin:     cmp.Or(os.Getenv("PLUGIN_NAME"), "SQLite"),
		Version:    cmp.Or(os.Getenv("PLUGIN_VERSION"), "1.0.0"),
		Address:    cmp.Or(os.Getenv("KPLUG_ADDRESS"), address),
		InstanceId: cmp.Or(os.Getenv("KPLUG_INSTANCE_ID"), uuid.NewString()),
		Apis: []*kplugv1.PluginApi{{
			Name:           "DatabaseTable",
			Version:        "1.0.0",
			ExtensionKinds: []*kplugv1.ExtensionKind{{Kind: extensionKind}},
		}},
	}
	if namespace, name := os.Getenv("KPLUG_POD_NAMESPACE"), os.Getenv("KPLUG_POD_NAME"); namespace != "" && name != "" {
		registration.Pod = &kplugv1.PodReference{Namespace: namespace, Name: name}
	}
	service := &service{
		registration:   registration,
		directory:      cmp.Or(os.Getenv("SQLITE_DIRECTORY"), "."),
		checkInterval:  checkInterval,
		datasetteImage: os.Getenv("DATASETTE_IMAGE"),
	}
	return serve(ctx, listener, service, controller, security, drainTimeout)
}
