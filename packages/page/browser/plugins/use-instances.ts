import type { PluginInstance } from '@kplug/protocol/services';
import { InstanceState } from '@kplug/protocol/services';
import { useEffect, useState } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { epoch } from '../data/connection.ts';
import { keepReading } from '../data/keep-reading.ts';
import { type Problem, problemOf } from '../data/problem.ts';
import { sleep } from '../data/sleep.ts';
import { isVisible } from '../data/visibility.ts';

/** Interval at which leases are read again, as a watch has no heartbeats, in milliseconds. */
const leaseInterval = 5_000;

/** Instances that are read at most. */
const maxInstances = 1_000;

/** Instances of the registry. */
export interface Instances {
  /** Undefined before the first list. */
  readonly instances?: readonly PluginInstance[];
  readonly problem?: Problem;
}

/** Follows the instances: changes at once by a watch, and leases by a list. */
export function useInstances(plugin: string): Instances {
  const [state, setState] = useState<Instances>({});
  const visible = isVisible.value;
  useEffect(() => {
    if (!visible) return;
    const abort = new AbortController();
    const all = new Map<string, PluginInstance>();
    const show = () => setState({ instances: [...all.values()] });
    const fail = (error: unknown) => setState((before) => ({ ...before, problem: problemOf(error) }));
    const read = (onNews: () => void) =>
      readWatch(plugin, all, abort.signal, () => {
        onNews();
        show();
      });
    void keepReading(read, abort.signal, fail);
    void list(plugin, all, abort.signal, show);
    return () => abort.abort();
  }, [plugin, visible, epoch.value]);
  return state;
}

type All = Map<string, PluginInstance>;

/** Reads one watch until it ends. What is shown is complete: it begins with the end of the initial list. */
async function readWatch(plugin: string, all: All, signal: AbortSignal, show: () => void): Promise<void> {
  let isSynced = false;
  const found = new Set<string>();
  for await (const { event } of clients.registry.watchPlugins({ plugin }, { signal })) {
    if (event.case === 'instance') {
      found.add(idOf(event.value));
      put(all, event.value);
    } else {
      isSynced = true;
      for (const id of all.keys()) if (!found.has(id)) all.delete(id);
    }
    if (isSynced) show();
  }
}

/** Reads leases again. What the watch hasn't shown isn't added. A failure is the watch's to report, or the next attempt's to mend. */
async function list(plugin: string, all: All, signal: AbortSignal, show: () => void): Promise<void> {
  for (;;) {
    await sleep(leaseInterval, signal);
    if (signal.aborted) return;
    const response = await clients.registry
      .listPlugins({ plugin, pageSize: maxInstances }, { signal })
      .catch(() => undefined);
    if (signal.aborted || !response) continue;
    for (const instance of response.instances) if (all.has(idOf(instance))) put(all, instance);
    show();
  }
}

function put(all: All, instance: PluginInstance): void {
  const id = idOf(instance);
  if (instance.state === InstanceState.GONE) all.delete(id);
  else if (all.has(id) || all.size < maxInstances) all.set(id, instance);
}

function idOf({ registration }: PluginInstance): string {
  return registration?.instanceId ?? '';
}
