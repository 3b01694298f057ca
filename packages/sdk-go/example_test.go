package kplug_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kplug.dev/sdk-go"
	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// Greeting is the spec of a Greeting.
type Greeting struct {
	Who      string `json:"who"`
	Language string `json:"language"`
}

// Validate is called before Reconcile.
func (g Greeting) Validate() error {
	if g.Who == "" {
		return errors.New(".spec.who: is required")
	}
	return nil
}

// GreetingStatus is the status of a Greeting.
type GreetingStatus struct {
	Text string `json:"text"`
}

var plugin = kplug.Plugin{
	Name:    "Greeter",
	Version: "1.0.0",
	APIs: []kplug.Implementation{kplug.API[Greeting, GreetingStatus]{
		Name: "Greeting", Version: "1.0.0", Reconcile: reconcile,
	}},
}

func reconcile(_ context.Context, call *kplug.Call[Greeting, GreetingStatus]) (*kplug.Result[GreetingStatus], error) {
	words := map[string]string{"": "Hello", "en": "Hello", "de": "Hallo"}[call.Base.Spec.Language]
	if words == "" {
		return nil, kplug.Terminal("UnknownLanguage", "unknown language %q; write en or de", call.Base.Spec.Language)
	}
	status := GreetingStatus{Text: words + ", " + call.Base.Spec.Who + "!"}
	return &kplug.Result[GreetingStatus]{Status: &status, RequeueAfter: time.Minute}, nil
}

// A plugin is served until the process is asked to stop.
func ExampleMain() {
	main := func() {
		kplug.Main(plugin)
	}
	_ = main
}

// A test calls a plugin without a port.
func ExampleNewService() {
	service, err := kplug.NewService(plugin)
	if err != nil {
		panic(err)
	}
	base, _ := json.Marshal(map[string]any{"spec": Greeting{Who: "World", Language: "de"}})
	response, err := service.Reconcile(context.Background(), &kplugv1.ReconcileRequest{Base: &kplugv1.Resource{Json: base}})
	fmt.Println(string(response.BaseStatus), err)
	// Output: {"text":"Hallo, World!"} <nil>
}
