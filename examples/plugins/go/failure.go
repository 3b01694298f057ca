package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	kplugv1 "example.org/sqlite-plugin/gen/kplug/v1"
)

// failure is an error that becomes a response: it tells the user what went wrong, and the controller whether to retry.
type failure struct {
	outcome kplugv1.Outcome
	// One word in PascalCase.
	reason string
	text   string
	// Key of the extension that the failure is about; empty for the base resource.
	target string
}

func (f failure) Error() string { return f.text }

// terminal is a permanent failure. It is not retried until the resource changes.
func terminal(reason, format string, args ...any) failure {
	return failure{outcome: kplugv1.Outcome_OUTCOME_TERMINAL, reason: reason, text: fmt.Sprintf(format, args...)}
}

// invalid is the permanent failure for an invalid resource.
func invalid(target, format string, args ...any) failure {
	f := terminal("InvalidSpec", format, args...)
	f.target = target
	return f
}

// retry is a transient failure.
func retry(reason, format string, args ...any) failure {
	f := terminal(reason, format, args...)
	f.outcome = kplugv1.Outcome_OUTCOME_RETRY
	return f
}

// explain converts an error into an outcome and messages. Any error but a failure is retried.
func explain(err error) (kplugv1.Outcome, []*kplugv1.Message) {
	f := retry("PluginError", "%s", err)
	// After a cancellation the caller no longer waits for the response.
	if !errors.As(err, &f) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		slog.Error("call failed with an unexpected error", "error", err)
	}
	message := &kplugv1.Message{Severity: kplugv1.Severity_SEVERITY_ERROR, Reason: f.reason, Text: f.text, Target: f.target}
	return f.outcome, []*kplugv1.Message{message}
}
