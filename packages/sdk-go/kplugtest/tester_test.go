package kplugtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kplug.dev/sdk-go"
	"kplug.dev/sdk-go/kplugtest"
)

type greeting struct {
	Who      string `json:"who"`
	Language string `json:"language,omitempty"`
}

type greetingStatus struct {
	Text    string `json:"text"`
	Attempt int    `json:"attempt"`
}

type style struct {
	Loud bool `json:"loud"`
}

type styleStatus struct {
	Applied bool `json:"applied"`
}

type (
	call   = kplug.Call[greeting, greetingStatus]
	result = kplug.Result[greetingStatus]
)

var styles = kplug.Extension[style, styleStatus]{Kind: "GreetingStyle.example.org"}

// pluginOf returns a plugin of one API with a function.
func pluginOf(reconcile kplug.ReconcileFunc[greeting, greetingStatus]) kplug.Plugin {
	return kplug.Plugin{Name: "Greeter", Version: "1.0.0", APIs: []kplug.Implementation{kplug.API[greeting, greetingStatus]{
		Name: "Greeting", Version: "1.0.0", Reconcile: reconcile, Extensions: []kplug.ExtensionKind{styles},
		Provides: []kplug.ProvidedCapability{{Category: "greeting", Type: "spoken", Versions: []string{"1", "2"}}},
		Finalize: func(_ context.Context, call *kplug.FinalizeCall[greeting, greetingStatus]) (*kplug.FinalizeResult, error) {
			return nil, kplug.Terminal("Tried", "%s handed over: %t", call.Base.Metadata.Name, call.HandedOver)
		},
	}}}
}

func TestReconcile(t *testing.T) {
	tester := kplugtest.New(t, pluginOf(func(_ context.Context, call *call) (*result, error) {
		found := styles.First(call.Extensions)
		text := "Hello, " + call.Base.Spec.Who
		if found.Spec.Loud {
			text += "!"
		}
		return &result{
			Status:       &greetingStatus{Text: text, Attempt: call.Attempt},
			Extensions:   []kplug.ExtensionStatus{found.WithStatus(styleStatus{Applied: true})},
			Conditions:   []kplug.Condition{{Type: "Spoken", Status: kplug.ConditionTrue, Reason: "Spoken"}},
			Events:       []kplug.Event{{Warning: true, Reason: "Loud", Message: "too loud", Target: found}},
			Messages:     []kplug.Message{{Reason: "Noted", Text: "noted"}},
			RequeueAfter: time.Minute,
		}, nil
	}))
	answer := tester.Reconcile(kplugtest.Input{
		Base:       kplugtest.Resource{Spec: greeting{Who: "Ada"}},
		Extensions: []kplugtest.Resource{{Kind: "GreetingStyle", Spec: kplug.Object{"loud": true}}},
		Attempt:    2,
	})
	answer.AssertOutcome(kplugtest.Success)
	var status greetingStatus
	if answer.Status(&status); status != (greetingStatus{Text: "Hello, Ada!", Attempt: 2}) {
		t.Errorf("the status is %+v", status)
	}
	var extension styleStatus
	if answer.ExtensionStatus("GreetingStyle/test", &extension); !extension.Applied {
		t.Errorf("the status of the extension is %+v", extension)
	}
	got := fmt.Sprint(answer.Conditions, answer.Events, answer.Messages, answer.RequeueAfter, answer.Dependents == nil)
	if want := "[{Spoken True Spoken }] [{true Loud too loud GreetingStyle/test}] [{Info Noted noted }] 1m0s true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFailures(t *testing.T) {
	tester := kplugtest.New(t, pluginOf(func(context.Context, *call) (*result, error) {
		return nil, errors.New("no database")
	}))
	answer := tester.Reconcile(kplugtest.Input{})
	answer.AssertOutcome(kplugtest.Retry, "PluginError")
	if !strings.Contains(answer.Message, "no database") || answer.HasStatus() {
		t.Errorf("got %+v", answer)
	}
	invalid := kplugtest.Resource{Spec: kplug.Object{"who": 7}}
	tester.Reconcile(kplugtest.Input{Base: invalid}).AssertOutcome(kplugtest.Terminal, "InvalidSpec")
	asked := &kplug.Capability{Type: "spoken", Version: "3"}
	tester.Reconcile(kplugtest.Input{Capability: asked}).AssertOutcome(kplugtest.Terminal, "NoSuchVersion")
}

func TestProgressRequirementsAndDependents(t *testing.T) {
	tester := kplugtest.New(t, pluginOf(func(_ context.Context, call *call) (*result, error) {
		if !call.Required.Has("plan") {
			return &result{Require: map[string]kplug.Requirement{"plan": {APIVersion: "v1", Kind: "ConfigMap", Name: "plan"}}}, nil
		}
		manifest := kplug.Object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": kplug.Object{"name": "a"}}
		return &result{
			Dependents: []kplug.Dependent{{Manifest: manifest, Policy: kplug.CreateOnly, ReadyWhen: "true", ReadyTimeout: time.Second}},
			Progress:   &kplug.Progress{Percentage: new(40), Message: "copying", Token: call.Operation.Token, After: time.Second},
		}, nil
	}))
	first := tester.Reconcile(kplugtest.Input{})
	if first.Require["plan"].Kind != "ConfigMap" {
		t.Errorf("the requirements are %+v of %s", first.Require, first.Message)
	}
	second := tester.Reconcile(kplugtest.Input{
		Required:  map[string][]kplugtest.Resource{"plan": {{APIVersion: "v1", Kind: "ConfigMap", Fields: kplug.Object{"data": kplug.Object{"a": "b"}}}}},
		Operation: &kplug.Operation{Token: "b-1"},
	})
	second.AssertOutcome(kplugtest.InProgress)
	if p := second.Progress; *p.Percentage != 40 || p.Token != "b-1" || p.After != time.Second || second.Message != "copying" {
		t.Errorf("the progress is %+v", p)
	}
	if d := second.Dependents; len(d) != 1 || d[0].Policy != kplug.CreateOnly || d[0].ReadyWhen != "true" || d[0].ReadyTimeout != time.Second {
		t.Errorf("the dependents are %+v", d)
	}
}

func TestFinalize(t *testing.T) {
	tester := kplugtest.NewFor(t, pluginOf(func(context.Context, *call) (*result, error) { return nil, nil }), "Greeting")
	base := kplugtest.Resource{Metadata: kplug.Metadata{Name: "a"}}
	if got := tester.Finalize(kplugtest.Input{Base: base, HandedOver: true}).Message; got != "a handed over: true" {
		t.Errorf("got %s", got)
	}
	tester.Finalize(kplugtest.Input{Base: base}).AssertOutcome(kplugtest.Terminal, "Tried")
}

// failing is a test that records why it fails.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	panic(f)
}

func TestExplainsWhyATestFails(t *testing.T) {
	plugin := pluginOf(func(context.Context, *call) (*result, error) { return nil, errors.New("no database") })
	for want, try := range map[string]func(*failing){
		"expected the outcome Success; the plugin answered Retry PluginError: no database": func(f *failing) {
			kplugtest.New(f, plugin).Reconcile(kplugtest.Input{}).AssertOutcome(kplugtest.Success)
		},
		"the plugin returned no status of the base; its outcome is Retry PluginError: no database": func(f *failing) {
			kplugtest.New(f, plugin).Reconcile(kplugtest.Input{}).Status(&greetingStatus{})
		},
		"the plugin Greeter does not implement the API Table": func(f *failing) { kplugtest.NewFor(f, plugin, "Table") },
		"an input has an extension without a Kind": func(f *failing) {
			kplugtest.New(f, plugin).Reconcile(kplugtest.Input{Extensions: []kplugtest.Resource{{}}})
		},
	} {
		f := &failing{TB: t}
		func() {
			defer func() {
				if cause := recover(); cause != nil && cause != any(f) {
					panic(cause)
				}
			}()
			try(f)
		}()
		if f.message != want {
			t.Errorf("got %q, want %q", f.message, want)
		}
	}
}
