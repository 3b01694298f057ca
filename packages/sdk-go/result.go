package kplug

import "time"

// Result is the result of a successful Reconcile. The same state should yield the same result, without times, counters or random names in
// it. All fields are optional.
type Result[Status any] struct {
	// Status of the base. It replaces the one that the plugin returned before. Default: no change. The controller owns the fields
	// implementation, plugin, implementations, dependents, operationsInProgress, observedGeneration and conditions.
	Status *Status
	// Statuses of extensions, by Resource.WithStatus. Default: no change.
	Extensions []ExtensionStatus
	// Dependents are resources that the operator applies for the base, in order. Those that are no longer listed are deleted. Nil: no
	// change; empty and not nil: none.
	Dependents []Dependent
	// Conditions of the base, at most 64.
	Conditions []Condition
	// Messages to the user, at most 100.
	Messages []Message
	// Events to record, at most 100. Equal Events are counted.
	Events []Event
	// Delay until the next call if nothing changes before, to detect drift. Default: the resync of the delegation.
	RequeueAfter time.Duration
	// Time for which the answer holds: passes with equal input make no call. At most a day. Default: it doesn't hold.
	ValidFor time.Duration
	// Progress says that the work takes longer and is in progress. The resource is not ready until a later call returns without it.
	Progress *Progress
	// Require states further resources that the plugin needs, by a name that it chooses. State all of them in each result. The operator calls
	// again with them in Call.Required.
	Require map[string]Requirement
}

// FinalizeResult is the result of a successful Finalize, or of one in progress. All fields are optional.
type FinalizeResult struct {
	Messages []Message
	Events   []Event
	// Progress says that the finalization is in progress.
	Progress *Progress
	// Require states further resources, as in Result. The finalization isn't done until a call brings them.
	Require map[string]Requirement
}

// ExtensionStatus is the status of an extension. Resource.WithStatus creates it.
type ExtensionStatus struct {
	extension Target
	status    any
}

// Condition is a condition of the base. The types PluginSelected, ExtensionsResolved, Reconciled, Finalized, Paused and Ready belong to the
// controller.
type Condition struct {
	// Type in PascalCase, such as BackupTaken.
	Type   string
	Status ConditionStatus
	// Reason in one PascalCase word.
	Reason  string
	Message string
}

// ConditionStatus is the status of a condition.
type ConditionStatus string

const (
	ConditionTrue    ConditionStatus = "True"
	ConditionFalse   ConditionStatus = "False"
	ConditionUnknown ConditionStatus = "Unknown"
)

// Message is a message to the user of the resource.
type Message struct {
	// Default: SeverityInfo.
	Severity Severity
	// Reason in one PascalCase word.
	Reason string
	Text   string
	// Extension of the call that the message is about. Default: the base.
	Target Target
}

// Severity is the severity of a message.
type Severity string

const (
	SeverityInfo    Severity = "Info"
	SeverityWarning Severity = "Warning"
	SeverityError   Severity = "Error"
)

// Event is an Event to record.
type Event struct {
	// Warning is true for something that a user should look at.
	Warning bool
	// Reason in one PascalCase word.
	Reason  string
	Message string
	// Extension of the call that the Event is about. Default: the base.
	Target Target
}

// Progress is the state of an operation that takes longer than a call.
type Progress struct {
	// Percentage that is done, 0 to 100. Nil: not known. In Go 1.26, new(50) is a pointer to 50.
	Percentage *int
	// Message for people, such as `copied 3 of 8 tables`.
	Message string
	// Token that identifies the operation, at most 1 KiB. Later calls bring it in Call.Operation. It must not be a secret.
	Token string
	// Delay until the next call. Default: 10 seconds.
	After time.Duration
}

// Requirement selects further resources: one by its name, or those with some labels. Exactly one of Name and Labels is set.
type Requirement struct {
	// API group and version, such as v1.
	APIVersion string
	Kind       string
	// Namespace of the resources. Default: that of the base.
	Namespace string
	Name      string
	Labels    map[string]string
}
