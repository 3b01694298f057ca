package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// places returns the network of each subnet.
func places(t *testing.T, subnets []wanted, before ...place) string {
	t.Helper()
	found, err := plan(netip.MustParsePrefix("10.20.0.0/22"), subnets, before)
	if err != nil {
		return err.Error()
	}
	texts := make([]string, 0, len(found))
	for _, one := range found {
		texts = append(texts, fmt.Sprint(one.Name, " ", one.Network))
	}
	return strings.Join(texts, ", ")
}

func had(name, network string) place { return place{name, netip.MustParsePrefix(network)} }

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		title    string
		subnets  []wanted
		before   []place
		expected string
	}{
		{"each subnet gets a block for its hosts",
			[]wanted{{"a", 254}, {"b", 255}, {"c", 2}}, nil,
			"a 10.20.0.0/24, b 10.20.2.0/23, c 10.20.1.0/30"},
		{"existing subnets keep their place, and removed ones free theirs",
			[]wanted{{"phones", 60}, {"cameras", 100}, {"printers", 10}},
			[]place{had("printers", "10.20.0.0/28"), had("desks", "10.20.1.0/24"), had("phones", "10.20.0.64/26")},
			"phones 10.20.0.64/26, cameras 10.20.0.128/25, printers 10.20.0.0/28"},
		{"a subnet that outgrows its place moves, and the others don't",
			[]wanted{{"desks", 300}, {"phones", 60}},
			[]place{had("desks", "10.20.0.0/25"), had("phones", "10.20.0.128/26")},
			"desks 10.20.2.0/23, phones 10.20.0.128/26"},
		{"places that are outside of the network or overlap are not kept",
			[]wanted{{"a", 200}, {"b", 200}, {"c", 200}},
			[]place{had("a", "10.99.0.0/24"), had("b", "10.20.1.0/24"), had("c", "10.20.1.0/24")},
			"a 10.20.0.0/24, b 10.20.1.0/24, c 10.20.2.0/24"},
		{"too many hosts are an error that names the subnet",
			[]wanted{{"a", 200}, {"b", 600}}, nil,
			"10.20.0.0/22 has no space left for b with 600 hosts; choose a larger network"},
	} {
		t.Run(test.title, func(t *testing.T) {
			if actual := places(t, test.subnets, test.before...); actual != test.expected {
				t.Errorf("got %s, want %s", actual, test.expected)
			}
		})
	}
}
