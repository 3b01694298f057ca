// Command kubectl-yaml reads YAML texts as kubectl does: a JSON array of texts on standard input, and on standard output an array with the
// documents of each text, or the error. It uses the libraries of kubectl.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	stdjson "encoding/json"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/json"
)

type result struct {
	Input string `json:"input"`
	// JSON of the documents.
	Documents *string `json:"documents,omitempty"`
	Error     string  `json:"error,omitempty"`
}

func read(input string) (documents []any, err error) {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(input), 4096)
	documents = []any{}
	for {
		extension := runtime.RawExtension{}
		if err := decoder.Decode(&extension); err != nil {
			if errors.Is(err, io.EOF) {
				return documents, nil
			}
			return nil, err
		}
		if len(extension.Raw) == 0 || string(extension.Raw) == "null" {
			continue
		}
		var document any
		if err := json.UnmarshalCaseSensitivePreserveInts(extension.Raw, &document); err != nil {
			return nil, err
		}
		documents = append(documents, document)
	}
}

func main() {
	var inputs []string
	if err := stdjson.NewDecoder(os.Stdin).Decode(&inputs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	results := make([]result, len(inputs))
	for index, input := range inputs {
		results[index].Input = input
		documents, err := read(input)
		if err != nil {
			results[index].Error = err.Error()
			continue
		}
		text, err := stdjson.Marshal(documents)
		if err != nil {
			results[index].Error = err.Error()
			continue
		}
		encoded := string(text)
		results[index].Documents = &encoded
	}
	if err := stdjson.NewEncoder(os.Stdout).Encode(results); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
