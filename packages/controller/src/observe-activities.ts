import type { Registry } from './registry/registry.ts';
import { Activities } from './telemetry/activities.ts';
import type { PassObserver } from './telemetry/pass-record.ts';
import { RecentPasses } from './telemetry/recent-passes.ts';

/** What a controller did lately. */
export interface ObservedActivities {
  activities: Activities;
  passes: RecentPasses;
  /** Receives the passes. */
  passObserver: PassObserver;
}

/** Records the changes of a registry's instances, and the passes that an observer receives, as the latest activities. */
export function observeActivities(registry: Registry): ObservedActivities {
  const activities = new Activities();
  const passes = new RecentPasses();
  registry.subscribe(({ instance, from }) => {
    const { registration, state, stateReason: reason } = instance;
    // As in lists and watches of instances, those of attachments are left out.
    if (state === from || registration.attachment !== undefined) return;
    const { plugin, version, instanceId, apis } = registration;
    const names = apis.map(({ name }) => name);
    activities.add({ kind: 'instance', instance: { plugin, version, instanceId, apis: names, state, from, reason } });
  });
  const passObserver: PassObserver = {
    ended: (pass) => {
      // What the stopping controller ended has no result.
      if (pass.result === 'stopped') return;
      passes.add(pass);
      activities.add({ kind: 'pass', pass });
    },
  };
  return { activities, passes, passObserver };
}
