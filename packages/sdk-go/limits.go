package kplug

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

const (
	// Maximum numbers of an answer's parts. Controllers refuse answers with more.
	maxConditions = 64
	maxMessages   = 100
	maxEvents     = 100
	maxDependents = 100
	// answerOverhead is the number of bytes that a stream adds to an answer.
	answerOverhead = 64
)

// checkAnswer returns a failure for an answer that controllers refuse because of its size. One on a shared stream would end the calls for
// other resources too.
func checkAnswer(response *kplugv1.ReconcileResponse, maxSize int) error {
	for _, part := range []struct {
		name         string
		count, limit int
	}{
		{"conditions", len(response.Conditions), maxConditions},
		{"messages", len(response.Messages), maxMessages},
		{"Events", len(response.Events), maxEvents},
		{"dependents", len(response.GetDependents().GetItems()), maxDependents},
	} {
		if part.count > part.limit {
			return Retry("AnswerTooLarge", "the answer has %d %s; at most %d can be sent", part.count, part.name, part.limit)
		}
	}
	size := proto.Size(response) + answerOverhead
	if size <= maxSize {
		return nil
	}
	return Retry("AnswerTooLarge", "the answer has %d bytes; at most %d can be sent: return less, such as a shorter status (%s)",
		size, maxSize, describeParts(response))
}

// checkFinalizeAnswer is checkAnswer for the answer of Finalize, whose fields are some of those of Reconcile.
func checkFinalizeAnswer(response *kplugv1.FinalizeResponse, maxSize int) error {
	return checkAnswer(&kplugv1.ReconcileResponse{
		Outcome: response.Outcome, Messages: response.Messages, Events: response.Events, Progress: response.Progress, Requirements: response.Requirements,
	}, maxSize)
}

// describeParts describes the sizes of the parts of an answer.
func describeParts(response *kplugv1.ReconcileResponse) string {
	extensions, dependents := 0, 0
	for _, status := range response.ExtensionStatuses {
		extensions += len(status)
	}
	for _, item := range response.GetDependents().GetItems() {
		dependents += len(item)
	}
	return fmt.Sprintf("status: %d bytes, extensions' statuses: %d bytes, dependents: %d bytes", len(response.BaseStatus), extensions, dependents)
}
