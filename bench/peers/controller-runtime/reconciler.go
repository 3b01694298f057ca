package main

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	apiName         = "DatabaseTable"
	apiVersion      = "1.0.0"
	pluginName      = "Preferred"
	pluginVersion   = "1.0.0"
	finalizer       = "bench.example.org/tables"
	extensionsIndex = "spec.extensions"
	workers         = 32
)

// changed leaves out changes of statuses.
var changed = builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}))

// TableReconciler does the work of a delegation of Kplug for tables: it gathers, calls the plugin and writes both statuses.
type TableReconciler struct {
	client.Client
	Plugin   *PluginClient
	Recorder events.EventRecorder
	// HasFinalizer is true if tables get a finalizer.
	HasFinalizer bool
	Progress
}

// Reconcile makes one pass.
func (r *TableReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	table := &Table{}
	if err := r.Get(ctx, request.NamespacedName, table); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !table.DeletionTimestamp.IsZero() {
		before := table.DeepCopy()
		if !controllerutil.RemoveFinalizer(table, finalizer) {
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, client.IgnoreNotFound(r.Patch(ctx, table, client.MergeFrom(before)))
	}
	extensions := map[string]*Option{}
	for _, reference := range table.Spec.Extensions {
		option := &Option{}
		key := types.NamespacedName{Namespace: table.Namespace, Name: reference.Name}
		if err := r.Get(ctx, key, option); err != nil {
			return ctrl.Result{}, err
		}
		option.SetGroupVersionKind(groupVersion.WithKind("Option"))
		extensions[keyOf(option)] = option
	}
	if r.HasFinalizer && !controllerutil.ContainsFinalizer(table, finalizer) {
		before := table.DeepCopy()
		controllerutil.AddFinalizer(table, finalizer)
		if err := r.Patch(ctx, table, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, err
		}
	}
	table.SetGroupVersionKind(groupVersion.WithKind("Table"))
	answer, err := r.Plugin.Reconcile(ctx, table, extensions)
	if err != nil {
		return ctrl.Result{}, err
	}
	for key, status := range answer.ExtensionStatuses {
		if err := r.writeOption(ctx, extensions[key], status); err != nil {
			return ctrl.Result{}, err
		}
	}
	if err := r.writeTable(ctx, table, answer.BaseStatus); err != nil {
		return ctrl.Result{}, err
	}
	r.finished(request.NamespacedName)
	return ctrl.Result{}, nil
}

func (r *TableReconciler) writeOption(ctx context.Context, option *Option, answer []byte) error {
	if option == nil {
		return fmt.Errorf("the plugin returned a status for an extension that was not sent")
	}
	before := option.DeepCopy()
	option.Status = OptionStatus{}
	if err := json.Unmarshal(answer, &option.Status); err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(before.Status, option.Status) {
		return nil
	}
	return r.Status().Patch(ctx, option, client.MergeFrom(before))
}

func (r *TableReconciler) writeTable(ctx context.Context, table *Table, answer []byte) error {
	before := table.DeepCopy()
	generation := table.Generation
	done := fmt.Sprintf("%s %s reconciled generation %d", pluginName, pluginVersion, generation)
	table.Status.Rows = 0
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &table.Status); err != nil {
			return err
		}
	}
	table.Status.Implementation = pluginName
	table.Status.Plugin = Plugin{Name: pluginName, Version: pluginVersion, API: apiName, APIVersion: apiVersion}
	table.Status.ObservedGeneration = generation
	for _, condition := range []metav1.Condition{
		{Type: "ExtensionsResolved", Reason: "Resolved", Message: "every extension that the resource references was found"},
		{Type: "PluginSelected", Reason: "NoPreference", Message: "Preferred 1.0.0 was chosen; the resource prefers no implementation"},
		{Type: "Reconciled", Reason: "Succeeded", Message: done},
		{Type: "Ready", Reason: "Ready", Message: done},
	} {
		condition.Status = metav1.ConditionTrue
		condition.ObservedGeneration = generation
		meta.SetStatusCondition(&table.Status.Conditions, condition)
	}
	if equality.Semantic.DeepEqual(before.Status, table.Status) {
		return nil
	}
	if err := r.Status().Patch(ctx, table, client.MergeFrom(before)); err != nil {
		return err
	}
	r.Recorder.Eventf(table, nil, "Normal", "Ready", "Reconcile", "%s", done)
	return nil
}

// SetupWithManager triggers passes for changes of tables and their extensions, except for status changes.
func (r *TableReconciler) SetupWithManager(ctx context.Context, manager ctrl.Manager) error {
	byExtension := func(object client.Object) []string {
		var names []string
		for _, reference := range object.(*Table).Spec.Extensions {
			names = append(names, reference.Name)
		}
		return names
	}
	if err := manager.GetFieldIndexer().IndexField(ctx, &Table{}, extensionsIndex, byExtension); err != nil {
		return err
	}
	tablesOf := func(ctx context.Context, option client.Object) []reconcile.Request {
		tables := &TableList{}
		matching := client.MatchingFields{extensionsIndex: option.GetName()}
		if err := r.List(ctx, tables, client.InNamespace(option.GetNamespace()), matching, client.UnsafeDisableDeepCopy); err != nil {
			return nil
		}
		var requests []reconcile.Request
		for _, table := range tables.Items {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&table)})
		}
		return requests
	}
	skip := true
	return ctrl.NewControllerManagedBy(manager).
		For(&Table{}, changed).
		Watches(&Option{}, handler.EnqueueRequestsFromMapFunc(tablesOf), changed).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers, SkipNameValidation: &skip}).
		Complete(r)
}
