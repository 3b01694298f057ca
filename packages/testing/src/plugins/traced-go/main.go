// The program is a plugin for the tests that exports its spans over OTLP, as OTEL_* say.
package main

import (
	"context"
	"log"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"kplug.dev/sdk-go"
)

type spec struct {
	Fails bool `json:"fails,omitempty"`
}

type status struct{}

var tracer = otel.Tracer("traced-plugin")

func reconcile(ctx context.Context, call *kplug.Call[spec, status]) (*kplug.Result[status], error) {
	_, span := tracer.Start(ctx, "create table")
	defer span.End()
	call.Log.Info("creating")
	if call.Base.Spec.Fails {
		return nil, kplug.Retry("DiskFull", "the disk is full")
	}
	return nil, nil
}

func finalize(ctx context.Context, _ *kplug.FinalizeCall[spec, status]) (*kplug.FinalizeResult, error) {
	_, span := tracer.Start(ctx, "drop table")
	defer span.End()
	return nil, nil
}

func main() {
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	kplug.Main(kplug.Plugin{
		Name:    "Traced",
		Version: "1.0.0",
		APIs: []kplug.Implementation{kplug.API[spec, status]{
			Name: "Table", Version: "1.0.0", Reconcile: reconcile, Finalize: finalize,
			Extensions: []kplug.ExtensionKind{kplug.Extension[struct{}, struct{}]{Kind: "TableStyle"}},
		}},
	})
	if err := provider.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}
