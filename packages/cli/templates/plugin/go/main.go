// Command plugin divides networks among subnets.
package main

import "kplug.dev/sdk-go"

// plugin is the definition of the plugin. All instances register the same.
var plugin = kplug.Plugin{
	Name:    "__NAME__",
	Version: "0.1.0",
	APIs: []kplug.Implementation{kplug.API[spec, status]{
		Name:      "__API__",
		Version:   "__API_VERSION__",
		Reconcile: reconcile,
	}},
}

func main() { kplug.Main(plugin) }
