// Command controller-runtime is a plain controller with controller-runtime, the peer of Kplug's operator. The benchmark communicates with
// it as with a process of Node.js, by lines of JSON on the file descriptor in NODE_CHANNEL_FD.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// Target configures one run of the controller.
type Target struct {
	Kubeconfig string `json:"kubeconfig"`
	Namespace  string `json:"namespace"`
	// Plugin is the address of the plugin.
	Plugin string `json:"plugin"`
	// Count is the number of tables.
	Count int `json:"count"`
	// Finalizer is true if tables get a finalizer.
	Finalizer bool `json:"finalizer"`
	// Capabilities is true for capabilities with dependents instead of tables.
	Capabilities bool `json:"capabilities"`
}

// Took is the wall and CPU time of some work, in milliseconds.
type Took struct {
	Time float64 `json:"time"`
	CPU  float64 `json:"cpu"`
}

// Reconciler is a controller of one kind.
type Reconciler interface {
	SetupWithManager(ctx context.Context, manager ctrl.Manager) error
	AllOf(count int) <-chan struct{}
	Passes() int
}

// Peer is the running controller.
type Peer struct {
	reconciler Reconciler
	stop       context.CancelFunc
	ended      chan error
}

// Settle starts a controller, and returns when all resources have had their first pass.
func (p *Peer) Settle(target Target) (*Took, error) {
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(target.Kubeconfig))
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	scheme.AddKnownTypes(groupVersion, &Table{}, &TableList{}, &Option{}, &OptionList{}, &Capability{}, &CapabilityList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	started, cpuBefore := time.Now(), cpuTime()
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{target.Namespace: {}},
			DefaultTransform:  cache.TransformStripManagedFields(),
		},
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	closePlugin, err := p.makeReconciler(manager, target)
	if err != nil {
		return nil, err
	}
	if err := p.reconciler.SetupWithManager(ctx, manager); err != nil {
		return nil, err
	}
	all := p.reconciler.AllOf(target.Count)
	p.ended = make(chan error, 1)
	go func() {
		p.ended <- manager.Start(ctx)
		closePlugin()
	}()
	select {
	case err := <-p.ended:
		return nil, fmt.Errorf("the manager ended: %w", err)
	case <-all:
		return &Took{Time: milliseconds(time.Since(started)), CPU: cpuTime() - cpuBefore}, nil
	}
}

// makeReconciler makes the reconciler of a target. It returns a function that disconnects it from its plugin.
func (p *Peer) makeReconciler(manager ctrl.Manager, target Target) (func(), error) {
	if target.Capabilities {
		p.reconciler = &CapabilityReconciler{Client: manager.GetClient(), Recorder: manager.GetEventRecorder("capabilities")}
		return func() {}, nil
	}
	plugin, err := NewPluginClient(target.Plugin)
	if err != nil {
		return nil, err
	}
	p.reconciler = &TableReconciler{
		Client:       manager.GetClient(),
		Plugin:       plugin,
		Recorder:     manager.GetEventRecorder("tables"),
		HasFinalizer: target.Finalizer,
	}
	return func() { plugin.Close() }, nil
}

// Heap returns the size of the heap after a garbage collection, in bytes.
func (p *Peer) Heap() uint64 {
	debug.FreeOSMemory()
	var stats goruntime.MemStats
	goruntime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// Stop stops the controller.
func (p *Peer) Stop() error {
	p.stop()
	p.reconciler = nil
	return <-p.ended
}

func (p *Peer) run(command string, argument json.RawMessage) (any, error) {
	switch command {
	case "settle":
		var target Target
		if err := json.Unmarshal(argument, &target); err != nil {
			return nil, err
		}
		return p.Settle(target)
	case "passes":
		return p.reconciler.Passes(), nil
	case "heap":
		return p.Heap(), nil
	case "stop":
		return nil, p.Stop()
	default:
		return nil, fmt.Errorf("there is no command %q", command)
	}
}

func cpuTime() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return milliseconds(time.Duration(usage.Utime.Nano() + usage.Stime.Nano()))
}

func milliseconds(duration time.Duration) float64 {
	return float64(duration.Nanoseconds()) / 1e6
}

func main() {
	ctrl.SetLogger(logr.Discard())
	descriptor, err := strconv.Atoi(os.Getenv("NODE_CHANNEL_FD"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "this is a part of Kplug's benchmarks; run them with: npx pnpm bench kubernetes")
		os.Exit(2)
	}
	channel := os.NewFile(uintptr(descriptor), "channel")
	peer := &Peer{}
	lines := bufio.NewScanner(channel)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var call struct {
			ID       int             `json:"id"`
			Command  string          `json:"command"`
			Argument json.RawMessage `json:"argument"`
		}
		if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer := map[string]any{"id": call.ID}
		if result, err := peer.run(call.Command, call.Argument); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["result"] = result
		}
		line, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		if _, err := channel.Write(append(line, '\n')); err != nil {
			os.Exit(1)
		}
	}
}
