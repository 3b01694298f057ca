package kplug

import (
	"encoding"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"time"

	"github.com/invopop/jsonschema"
)

// resourceShape has the fields of a resource that a plugin declares.
type resourceShape[Spec, Status any] struct {
	Spec   Spec    `json:"spec"`
	Status *Status `json:"status,omitempty"`
}

// pluginDescription is the identity of a plugin with the schemas of its resources. The command kplug crd generates
// CustomResourceDefinitions from it.
type pluginDescription struct {
	Plugin  string           `json:"plugin"`
	Version string           `json:"version"`
	APIs    []apiDescription `json:"apis"`
}

type apiDescription struct {
	Name       string                        `json:"name"`
	Version    string                        `json:"version"`
	Base       *jsonschema.Schema            `json:"base"`
	Extensions map[string]*jsonschema.Schema `json:"extensions"`
}

// writeDescription writes the description of a plugin to a file, as JSON.
func writeDescription(file string, plugin Plugin) error {
	description, err := describePlugin(plugin)
	if err != nil {
		return err
	}
	text, err := json.Marshal(description)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func describePlugin(plugin Plugin) (*pluginDescription, error) {
	implementations, err := plugin.implementations()
	if err != nil {
		return nil, err
	}
	description := &pluginDescription{Plugin: plugin.Name, Version: plugin.Version}
	for _, one := range implementations {
		base, err := schemaOf(one.shape)
		if err != nil {
			return nil, fmt.Errorf("the types of the API %s: %w", one.api.Name, err)
		}
		api := apiDescription{Name: one.api.Name, Version: one.api.Version, Base: base, Extensions: map[string]*jsonschema.Schema{}}
		for kind, shape := range one.extensionShapes {
			if api.Extensions[kind], err = schemaOf(shape); err != nil {
				return nil, fmt.Errorf("the types of %s: %w", kind, err)
			}
		}
		description.APIs = append(description.APIs, api)
	}
	return description, nil
}

// schemaOf returns the JSON Schema of a type.
func schemaOf(shape reflect.Type) (schema *jsonschema.Schema, err error) {
	defer func() {
		// The reflector panics at a type that JSON does not have, such as a channel.
		if cause := recover(); cause != nil {
			err = fmt.Errorf("can't be converted to JSON Schema: %v", cause)
		}
	}()
	reflector := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, Mapper: encodedType, Namer: definitionName}
	return reflector.ReflectFromType(shape), nil
}

// encodedType returns the schema of a type that encodes itself, and nil for others.
func encodedType(of reflect.Type) *jsonschema.Schema {
	switch {
	case implements[interface{ JSONSchema() *jsonschema.Schema }](of):
		return nil
	case of == reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case implements[json.Marshaler](of):
		return &jsonschema.Schema{}
	case implements[encoding.TextMarshaler](of):
		return &jsonschema.Schema{Type: "string"}
	case of.Kind() == reflect.Int64 || of.Kind() == reflect.Uint64:
		return &jsonschema.Schema{Type: "integer", Format: "int64"}
	}
	return nil
}

func implements[Interface any](of reflect.Type) bool {
	wanted := reflect.TypeFor[Interface]()
	return of.Implements(wanted) || reflect.PointerTo(of).Implements(wanted)
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// definitionName returns a name that is different for types of the same name in different packages.
func definitionName(of reflect.Type) string {
	if of.Name() == "" {
		return ""
	}
	return notInNames.ReplaceAllString(of.PkgPath()+"."+of.Name(), "_")
}
