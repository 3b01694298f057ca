// Package kplugtest calls a plugin in the process of a test, without an operator and without a socket. The call runs through the same code as
// one of an operator: specs are validated, errors become outcomes, and the answer is encoded and limited.
//
//	tester := kplugtest.New(t, plugin)
//	answer := tester.Reconcile(kplugtest.Input{Base: kplugtest.Resource{Spec: Greeting{Who: "Ada"}}})
//	answer.AssertOutcome(kplugtest.Success)
//
// The kit has no operator: the order of dependents, CEL expressions and what a delegation permits are not tested.
package kplugtest

import (
	"testing"

	"kplug.dev/sdk-go"
	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// Tester calls a plugin. A call with invalid input fails the test.
type Tester struct {
	t       testing.TB
	service kplugv1.PluginServiceServer
	api     *kplugv1.PluginApi
}

// New returns a tester of a plugin of one API. It fails the test for an invalid definition.
func New(t testing.TB, plugin kplug.Plugin) *Tester {
	t.Helper()
	service, apis := serve(t, plugin)
	if len(apis) != 1 {
		t.Fatalf("the plugin %s implements %d APIs; choose one with kplugtest.NewFor", plugin.Name, len(apis))
	}
	return &Tester{t: t, service: service, api: apis[0]}
}

// NewFor returns a tester of one API of a plugin, by its name. It fails the test for an invalid definition.
func NewFor(t testing.TB, plugin kplug.Plugin, api string) *Tester {
	t.Helper()
	service, apis := serve(t, plugin)
	for _, one := range apis {
		if one.Name == api {
			return &Tester{t: t, service: service, api: one}
		}
	}
	t.Fatalf("the plugin %s does not implement the API %s", plugin.Name, api)
	return nil
}

func serve(t testing.TB, plugin kplug.Plugin) (kplugv1.PluginServiceServer, []*kplugv1.PluginApi) {
	t.Helper()
	service, err := kplug.NewService(plugin)
	if err != nil {
		t.Fatal(err)
	}
	info, err := service.GetInfo(t.Context(), &kplugv1.GetInfoRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return service, info.Apis
}

// Reconcile calls the plugin as an operator does.
func (t *Tester) Reconcile(input Input) *Answer {
	t.t.Helper()
	request := t.request(input)
	response, err := t.service.Reconcile(t.t.Context(), request)
	if err != nil {
		t.t.Fatal(err)
	}
	answer := t.readAnswer(response)
	answer.readResult(response, request)
	return answer
}

// Finalize calls the plugin as an operator does. A plugin without Finalize answers with success.
func (t *Tester) Finalize(input Input) *Answer {
	t.t.Helper()
	given := t.request(input)
	request := &kplugv1.FinalizeRequest{
		Base: given.Base, Extensions: given.Extensions, Assignment: given.Assignment, Context: given.Context,
		Dependents: given.Dependents, Operation: given.Operation, Required: given.Required,
		Cause: kplugv1.FinalizeCause_FINALIZE_CAUSE_DELETED,
	}
	if input.HandedOver {
		request.Cause = kplugv1.FinalizeCause_FINALIZE_CAUSE_HANDED_OVER
	}
	response, err := t.service.Finalize(t.t.Context(), request)
	if err != nil {
		t.t.Fatal(err)
	}
	return t.readAnswer(response)
}
