package main

import (
	"strings"
	"testing"

	"kplug.dev/sdk-go"
	"kplug.dev/sdk-go/kplugtest"
)

// desks is a spec with one subnet.
var desks = spec{Network: "10.20.0.0/22", Subnets: []wanted{{Name: "desks", Hosts: 200}}}

func reconcileResource(t *testing.T, base kplugtest.Resource) *kplugtest.Answer {
	t.Helper()
	return kplugtest.New(t, plugin).Reconcile(kplugtest.Input{Base: base})
}

func TestWritesTheNetworksIntoTheStatus(t *testing.T) {
	answer := reconcileResource(t, kplugtest.Resource{Spec: desks})
	answer.AssertOutcome(kplugtest.Success)
	var found status
	answer.Status(&found)
	if one := found.Subnets[0]; one.Network.String() != "10.20.0.0/24" || one.FirstHost != "10.20.0.1" || one.LastHost != "10.20.0.254" {
		t.Errorf("the subnet is %+v", one)
	}
}

func TestKeepsPlacesOfAValidStatus(t *testing.T) {
	for network, want := range map[string]string{"10.20.3.0/24": "10.20.3.0/24", "nowhere": "10.20.0.0/24", "fd00::/24": "10.20.0.0/24"} {
		before := kplug.Object{"subnets": []kplug.Object{{"name": "desks", "network": network}}}
		var found status
		reconcileResource(t, kplugtest.Resource{Spec: desks, Status: before}).Status(&found)
		if got := found.Subnets[0].Network.String(); got != want {
			t.Errorf("%s: got %s, want %s", network, got, want)
		}
	}
}

func TestExplainsInvalidResources(t *testing.T) {
	subnets := func(all ...wanted) spec { return spec{Network: "10.0.0.0/30", Subnets: all} }
	for want, given := range map[string]spec{
		"InvalidSpec __API__ test is invalid: .spec.network:": {Network: "10.0.0.0"},
		"InvalidSpec __API__ test is invalid: .spec.subnets:": {Network: "10.0.0.0/8"},
		"duplicate subnet a":                       subnets(wanted{"a", 2}, wanted{"a", 2}),
		".spec.subnets[0].hosts":                   subnets(wanted{"a", 0}),
		"DoesNotFit 10.0.0.0/30 has no space left": subnets(wanted{"a", 3}),
	} {
		answer := reconcileResource(t, kplugtest.Resource{Spec: given})
		answer.AssertOutcome(kplugtest.Terminal)
		if got := answer.Reason + " " + answer.Message; !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
