package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	kplugv1 "__MODULE__/gen/kplug/v1"
)

// failure is an answer too: it tells the user what went wrong, and the controller whether to try again.
type failure struct {
	outcome kplugv1.Outcome
	// One word in PascalCase.
	reason string
	text   string
	// The key of the extension that it concerns; empty for the base resource.
	target string
}

func (f failure) Error() string { return f.text }

// terminal is a failure that trying again can't mend until the resource changes.
func terminal(reason, format string, args ...any) failure {
	return failure{outcome: kplugv1.Outcome_OUTCOME_TERMINAL, reason: reason, text: fmt.Sprintf(format, args...)}
}

// invalid is a resource that isn't as it should be.
func invalid(target, format string, args ...any) failure {
	f := terminal("InvalidSpec", format, args...)
	f.target = target
	return f
}

// retry is a failure that may be over soon.
func retry(reason, format string, args ...any) failure {
	f := terminal(reason, format, args...)
	f.outcome = kplugv1.Outcome_OUTCOME_RETRY
	return f
}

// explain turns an error into what is answered. Any error but a failure is tried again.
func explain(err error) (kplugv1.Outcome, []*kplugv1.Message) {
	f := retry("PluginError", "%s", err)
	// After a cancellation nobody waits for the answer.
	if !errors.As(err, &f) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		slog.Error("a call failed with an unexpected error", "error", err)
	}
	message := &kplugv1.Message{Severity: kplugv1.Severity_SEVERITY_ERROR, Reason: f.reason, Text: f.text, Target: f.target}
	return f.outcome, []*kplugv1.Message{message}
}
