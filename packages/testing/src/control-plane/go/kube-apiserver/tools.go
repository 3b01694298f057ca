//go:build tools

// Package tools names what the tests build, so that its module and all that it needs are in go.mod.
package tools

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
