//go:build tools

// Package tools imports the program that the tests build, so that go.mod has its module and its dependencies.
package tools

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
