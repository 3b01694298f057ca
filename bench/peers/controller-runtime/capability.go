package main

import (
	"context"
	"crypto/rand"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

const (
	port       = 5432
	dependents = 5
)

// CapabilityReconciler makes a capability from five objects that it owns, as Kplug's plugin of this benchmark requests them.
type CapabilityReconciler struct {
	client.Client
	Recorder events.EventRecorder
	Progress
}

// Reconcile makes one pass.
func (r *CapabilityReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	capability := &Capability{}
	if err := r.Get(ctx, request.NamespacedName, capability); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	set, err := r.applyDependents(ctx, capability)
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := r.writeStatus(ctx, capability, set); err != nil {
		return ctrl.Result{}, err
	}
	r.finished(request.NamespacedName)
	return ctrl.Result{}, nil
}

// applyDependents creates the dependents, or corrects them. The StatefulSet, which it returns, is the last one.
func (r *CapabilityReconciler) applyDependents(ctx context.Context, capability *Capability) (*appsv1.StatefulSet, error) {
	name := metav1.ObjectMeta{Name: capability.Name + "-db", Namespace: capability.Namespace}
	labels := map[string]string{"app": name.Name}
	secret := &corev1.Secret{ObjectMeta: name}
	config := &corev1.ConfigMap{ObjectMeta: name}
	service := &corev1.Service{ObjectMeta: name}
	pods := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name.Name + "-pods", Namespace: name.Namespace}}
	set := &appsv1.StatefulSet{ObjectMeta: name}
	for _, one := range []struct {
		object client.Object
		mutate func()
	}{
		{secret, func() {
			if len(secret.Data) == 0 {
				secret.Data = map[string][]byte{"username": []byte("app"), "password": []byte(rand.Text())}
			}
		}},
		{config, func() { config.Data = map[string]string{"settings.conf": "max_connections = 100\n"} }},
		{service, func() { mutateService(service, labels) }},
		{pods, func() { mutateService(pods, labels) }},
		{set, func() { mutateSet(set, labels, capability.Spec.Version) }},
	} {
		own := func() error {
			one.object.SetLabels(labels)
			one.mutate()
			return controllerutil.SetControllerReference(capability, one.object, r.Scheme())
		}
		if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, one.object, own); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// mutateService sets the fields of a service without an address, and keeps the defaults that the API server has set.
func mutateService(service *corev1.Service, labels map[string]string) {
	ports := service.Spec.Ports
	if len(ports) != 1 {
		ports = make([]corev1.ServicePort, 1)
	}
	ports[0].Name, ports[0].Port, ports[0].Protocol = "db", port, corev1.ProtocolTCP
	service.Spec.ClusterIP, service.Spec.Selector, service.Spec.Ports = corev1.ClusterIPNone, labels, ports
}

// mutateSet sets the fields of a StatefulSet, and keeps the defaults that the API server has set.
func mutateSet(set *appsv1.StatefulSet, labels map[string]string, version string) {
	replicas := int32(1)
	set.Spec.Replicas = &replicas
	set.Spec.ServiceName = set.Name + "-pods"
	set.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	set.Spec.Template.Labels = labels
	containers := set.Spec.Template.Spec.Containers
	if len(containers) != 1 {
		containers = make([]corev1.Container, 1)
	}
	containers[0].Name, containers[0].Image = "db", "postgres:"+version
	set.Spec.Template.Spec.Containers = containers
}

func (r *CapabilityReconciler) writeStatus(ctx context.Context, capability *Capability, set *appsv1.StatefulSet) error {
	before := capability.DeepCopy()
	status, generation := &capability.Status, capability.Generation
	isReady := set.Status.ObservedGeneration == set.Generation && set.Status.ReadyReplicas == 1 && set.Status.UpdatedReplicas == 1
	ready := metav1.Condition{
		Type: "Ready", Status: metav1.ConditionFalse, Reason: "DependentsNotReady", ObservedGeneration: generation,
		Message: fmt.Sprintf("StatefulSet %s is not ready: %d of 1 pods ready", set.Name, set.Status.ReadyReplicas),
	}
	status.DependentsReady = fmt.Sprintf("%d/%d", dependents-1, dependents)
	if isReady {
		ready.Status, ready.Reason = metav1.ConditionTrue, "Ready"
		ready.Message = fmt.Sprintf("generation %d is reconciled", generation)
		status.DependentsReady = fmt.Sprintf("%d/%d", dependents, dependents)
	}
	status.Host, status.Port, status.ObservedGeneration = set.Name+"."+set.Namespace, port, generation
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: "Reconciled", Status: metav1.ConditionTrue, Reason: "Succeeded", ObservedGeneration: generation, Message: "the dependents are applied",
	})
	meta.SetStatusCondition(&status.Conditions, ready)
	if equality.Semantic.DeepEqual(before.Status, *status) {
		return nil
	}
	if err := r.Status().Patch(ctx, capability, client.MergeFrom(before)); err != nil {
		return err
	}
	r.Recorder.Eventf(capability, nil, "Normal", ready.Reason, "Reconcile", "%s", ready.Message)
	return nil
}

// SetupWithManager triggers passes for changes of capabilities and of what they own.
func (r *CapabilityReconciler) SetupWithManager(_ context.Context, manager ctrl.Manager) error {
	skip := true
	return ctrl.NewControllerManagedBy(manager).
		For(&Capability{}, changed).
		Owns(&corev1.Secret{}).
		Owns(&corev1.ConfigMap{}).
		Owns(&corev1.Service{}).
		Owns(&appsv1.StatefulSet{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers, SkipNameValidation: &skip}).
		Complete(r)
}
