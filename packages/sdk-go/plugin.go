// Package kplug is the SDK for plugins in Go. A plugin implements one or more plugin APIs by a function, reconcile, that the operator
// calls with the whole state of one resource:
//
//	func main() {
//		kplug.Main(kplug.Plugin{
//			Name:    "Greeter",
//			Version: "1.0.0",
//			APIs:    []kplug.Implementation{kplug.API[Greeting, GreetingStatus]{Name: "Greeting", Version: "1.0.0", Reconcile: reconcile}},
//		})
//	}
//
// Serve registers the plugin with its controller, sends heartbeats, answers calls, and shuts down gracefully.
package kplug

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// Plugin is the definition of a plugin. All of its instances must have the same name, version and APIs.
type Plugin struct {
	// Name that users write in preferredImplementation, such as PostgreSQL: 1 to 63 letters, digits, '.', '_' and '-'.
	Name string
	// Version in semantic versioning, such as 1.2.0.
	Version string
	// APIs that the plugin implements, each an API. At least one.
	APIs []Implementation
	// Health of the APIs. Default: all can be served.
	Health *Health
	// Logger for the SDK and for Call.Log. Default: slog.Default(), with the level in KPLUG_LOG_LEVEL: debug, info, warn, error or silent.
	Logger *slog.Logger
	// Options that depend on the deployment. Those that are not set are read from environment variables.
	Options Options
}

// API implements a plugin API by functions for the types of its resources.
type API[Spec, Status any] struct {
	// Name of the API, such as DatabaseTable.
	Name string
	// Version of the API that the functions implement, in semantic versioning.
	Version string
	// Reconcile brings the world to the state that the resource describes. It is called any number of times and must be idempotent. A nil
	// result is a success without a change. An error fails the call, and is retried unless it is a Terminal one.
	Reconcile ReconcileFunc[Spec, Status]
	// Finalize undoes what Reconcile did. It must succeed when there is nothing to undo. Default: nothing.
	Finalize FinalizeFunc[Spec, Status]
	// Extensions are the kinds of extension resources that the plugin understands. If there are none, the controller waits for every
	// extension that a base references.
	Extensions []ExtensionKind
	// Capabilities are free-form, such as partitioning: hash. A delegation may require them.
	Capabilities map[string]string
	// Provides are the capabilities that resources may ask for by category, type and version.
	Provides []ProvidedCapability
	// Strict refuses resources whose spec has fields that Spec does not have, such as misspelt ones. Default: they are ignored.
	Strict bool
}

// ProvidedCapability is a capability that resources may ask for, such as database/postgresql in the versions 16 and 17.
type ProvidedCapability struct {
	Category, Type string
	Versions       []string
}

// Implementation is an implementation of a plugin API: an API with any types.
type Implementation interface {
	implement() (*implementation, error)
}

// implementation is an implementation without its types.
type implementation struct {
	api       *kplugv1.PluginApi
	reconcile reconcileHandler
	finalize  finalizeHandler
	// shape is the resourceShape of the base. The extensionShapes are those of the extensions, by Kind or Kind.group.
	shape           reflect.Type
	extensionShapes map[string]reflect.Type
}

var (
	name = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)
	// semanticVersion is the pattern that semver.org suggests.
	semanticVersion = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)
	// providedVersion has no spaces, commas and operators, which ranges have.
	providedVersion = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._+-]{0,61}[A-Za-z0-9])?$`)
)

func (a API[Spec, Status]) implement() (*implementation, error) {
	if !name.MatchString(a.Name) {
		return nil, fmt.Errorf("the API's name %q is malformed; write a name such as DatabaseTable", a.Name)
	}
	if !semanticVersion.MatchString(a.Version) {
		return nil, fmt.Errorf("the version %q of the API %s is malformed; write one such as 1.0.0", a.Version, a.Name)
	}
	if a.Reconcile == nil {
		return nil, fmt.Errorf("the API %s has no Reconcile; add a function", a.Name)
	}
	provides, err := encodeProvided(a.Name, a.Provides)
	if err != nil {
		return nil, err
	}
	api := &kplugv1.PluginApi{Name: a.Name, Version: a.Version, Capabilities: a.Capabilities, Provides: provides}
	extensionShapes := map[string]reflect.Type{}
	for _, extension := range a.Extensions {
		extensionShapes[extension.kindAndGroup()] = extension.shape()
		kind, group, _ := strings.Cut(extension.kindAndGroup(), ".")
		if kind == "" {
			return nil, fmt.Errorf("an extension of the API %s has no kind", a.Name)
		}
		api.ExtensionKinds = append(api.ExtensionKinds, &kplugv1.ExtensionKind{Group: group, Kind: kind})
	}
	return &implementation{
		api: api, reconcile: a.reconcileHandler(), finalize: a.finalizeHandler(),
		shape: reflect.TypeFor[resourceShape[Spec, Status]](), extensionShapes: extensionShapes,
	}, nil
}

// encodeProvided validates the capabilities that an API provides, as the controller does.
func encodeProvided(api string, provided []ProvidedCapability) ([]*kplugv1.ProvidedCapability, error) {
	known := map[string]bool{}
	var encoded []*kplugv1.ProvidedCapability
	for _, one := range provided {
		capability := one.Category + "/" + one.Type
		// The controller compares them without regard to case.
		key := strings.ToLower(capability)
		switch {
		case !name.MatchString(one.Category) || !name.MatchString(one.Type):
			return nil, fmt.Errorf("the capability %q of the API %s is malformed; write a category and a type such as database and postgresql",
				capability, api)
		case known[key]:
			return nil, fmt.Errorf("the API %s provides %s twice; write it once, with all its versions", api, capability)
		case len(one.Versions) == 0:
			return nil, fmt.Errorf("%s has no versions; write at least one, such as 17", capability)
		}
		known[key] = true
		for _, version := range one.Versions {
			if !providedVersion.MatchString(version) {
				return nil, fmt.Errorf("the version %q of %s is malformed; write a text such as 17 or 10.11", version, capability)
			}
		}
		encoded = append(encoded, &kplugv1.ProvidedCapability{Category: one.Category, Type: one.Type, Versions: one.Versions})
	}
	return encoded, nil
}

// implementations validates the definition.
func (p Plugin) implementations() ([]*implementation, error) {
	if !name.MatchString(p.Name) {
		return nil, fmt.Errorf("the plugin's name %q is malformed; write a name such as PostgreSQL", p.Name)
	}
	if !semanticVersion.MatchString(p.Version) {
		return nil, fmt.Errorf("the plugin's version %q is malformed; write one such as 1.2.0", p.Version)
	}
	if len(p.APIs) == 0 {
		return nil, errors.New("the plugin implements no API; add at least one to APIs")
	}
	known := map[string]bool{}
	var found []*implementation
	for _, api := range p.APIs {
		implementation, err := api.implement()
		if err != nil {
			return nil, err
		}
		id := implementation.api.Name + "@" + implementation.api.Version
		if known[id] {
			return nil, fmt.Errorf("the API %s is implemented twice; implement it once", id)
		}
		known[id] = true
		found = append(found, implementation)
	}
	return found, nil
}

func (p Plugin) logger() *slog.Logger {
	if p.Logger != nil {
		return p.Logger
	}
	return slog.Default()
}
