import type { Logger } from 'pino';
import type { AttachmentSource } from '../attachments/attachment.ts';
import type { PluginCaller } from '../clients/caller.ts';
import { limits } from '../limits/limits.ts';
import { Walks } from '../queue/walks.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { Registry } from '../registry/registry.ts';
import type { Resources } from '../resources/port.ts';
import type { Resource, ResourceKey } from '../resources/resource.ts';
import type { RecentEvents } from '../telemetry/events.ts';
import type { DelegationObserver } from '../telemetry/observer.ts';
import type { PassObserver } from '../telemetry/pass-record.ts';
import { Passes } from '../telemetry/passes.ts';
import { BaseFollower } from './bases/base-follower.ts';
import { Bases } from './bases/bases.ts';
import { Breakers } from './breakers/breakers.ts';
import { DelegationCaller } from './calls/delegation-caller.ts';
import { HeldAnswers } from './calls/held-answers.ts';
import { KeptAnswers } from './calls/kept-answers.ts';
import { LaneFinder } from './calls/lane-finder.ts';
import { SlowResources } from './calls/slow-resources.ts';
import { ChoiceMonitor } from './choices/choice-monitor.ts';
import { choiceBasisOf } from './choices/choose.ts';
import { Chooser } from './choices/chooser.ts';
import type { DelegationSettings } from './delegation-settings.ts';
import { DependentFollower } from './dependents/dependent-follower.ts';
import { ExtensionFollower } from './extensions/extension-follower.ts';
import type { UnrecordedHolders } from './holders/unrecorded-holders.ts';
import { KnownOperations } from './operations/known-operations.ts';
import { ProgressEvents } from './operations/progress-events.ts';
import type { PassContext } from './passes/pass-context.ts';
import { PassWorker } from './passes/pass-worker.ts';
import { Releases } from './releases/releases.ts';
import { PassRequests } from './requests/pass-requests.ts';
import { RequirementFollower } from './requirements/requirement-follower.ts';
import { WriteFailureReporter } from './writes/write-failure-reporter.ts';
import { WriteFailures } from './writes/write-failures.ts';

/** Dependencies of a delegation. */
export interface DelegationDependencies {
  resources: Resources;
  registry: Registry;
  caller: PluginCaller;
  events: RecentEvents;
  observer: DelegationObserver;
  log: Logger;
  /** Receives each pass at its end. Default: nobody. */
  passObserver?: PassObserver;
  /** Resources that users took over with plugins elsewhere. Default: none. */
  attachments?: AttachmentSource | undefined;
  /** Called after each pass over a resource that an attached plugin was chosen for. @param outcome in a sentence. */
  onPass?: (delegation: string, base: Resource, outcome: string) => void;
  /** Called when the write problem of the delegation begins or ends. */
  onWriteProblem?: (delegation: string) => void;
}

/** Parts of a delegation that it starts, stops and asks. */
export interface DelegationParts {
  bases: Bases;
  baseFollower: BaseFollower;
  breakers: Breakers;
  chooser: Chooser;
  dependents: DependentFollower;
  extensions: ExtensionFollower;
  held: HeldAnswers;
  monitor: ChoiceMonitor;
  operations: KnownOperations;
  queue: WorkQueue<ResourceKey>;
  releases: Releases;
  requests: PassRequests;
  requirements: RequirementFollower;
  walks: Walks;
  writeFailures: WriteFailures;
}

/** Number of resources, as a multiple of the concurrency, that wait for plugins concurrently if every plugin reconciles each. */
const { maxCallsOfAll } = limits.delegation;

/** Makes the parts of a delegation and connects them: changes request passes, the queue runs them, and their outcomes are recorded. */
export function assembleParts(
  settings: DelegationSettings,
  {
    resources,
    registry,
    caller,
    events,
    observer,
    log: parentLog,
    passObserver,
    attachments,
    onPass,
    onWriteProblem,
  }: DelegationDependencies,
  holders: UnrecordedHolders,
): DelegationParts {
  const log = parentLog.child({ delegation: settings.name });
  const walks = new Walks();
  const kept = new KeptAnswers();
  const held = new HeldAnswers();
  const operations = new KnownOperations();
  const slow = new SlowResources();
  const bases = new Bases(settings, resources);

  // The queue asks the parts that are made below, but only after something has been queued.
  const queue = new WorkQueue<ResourceKey>({
    concurrency: settings.concurrency * (settings.rules.mode === 'all' ? maxCallsOfAll : 1),
    backOff: settings.backOff,
    lanes: {
      laneOf: (key) => lanes.laneOf(key),
      groupOf: (key) => lanes.groupOf(key),
      isShared: () => lanes.isShared(),
    },
    work: (key, waited) => worker.work(key, waited),
  });
  const enter = (key: ResourceKey, lane: string) => queue.enter(key, lane);

  const requests = new PassRequests({ settings, queue, kept, held, events, observer });
  const requeue = (key: ResourceKey) => {
    if (!bases.isPaused(key)) requests.request(key);
  };
  const releases = new Releases(bases, requests);
  const isReleased = (base: Resource) => releases.isReleased(base);
  const holdersOf = (base: Resource) => holders.holdersOf(base);

  const breakers = new Breakers({
    settings,
    log,
    walks,
    onChange: () => monitor.suspensionsChanged(),
    resume: (key) => queue.add(key, { urgent: bases.isUncalled(key) }),
    refreshWithin: (key, delay) => queue.addWithin(key, delay),
  });
  const writeFailures = new WriteFailures({
    backOff: settings.backOff,
    walks,
    resume: (key) => queue.add(key),
    retry: (key) => queue.add(key),
    onChange: () => onWriteProblem?.(settings.name),
    onFailure: (key) => baseFollower.writeFailureChanged(key),
  });

  const onExtensionChange = (base: ResourceKey, overwritten: boolean) => {
    if (bases.isPaused(base)) return;
    if (overwritten) requests.repair(base);
    else requests.request(base, { urgent: true });
  };
  const extensions = new ExtensionFollower(settings, resources, walks, onExtensionChange, enter);
  const dependents = new DependentFollower(settings, resources, requeue, log);
  const requirements = new RequirementFollower({ settings, resources, walks, requeue, enter });

  const chooser = new Chooser(settings, registry, breakers, attachments);
  const chooseForPass = (base: Resource) => chooser.chooseForPass(base);
  const monitor = new ChoiceMonitor({
    api: settings.api,
    registry,
    walks,
    holdersOf,
    hasSubstitutes: settings.finalize.whenPluginGone === 'fallback',
    basisOf: (base) => choiceBasisOf(base, settings, attachments),
    choose: (base) => chooser.choose(base),
    isReleasing: (key) => releases.isReleasing(resources.get(key)),
    requeue,
    requeueWithin: (key, delay) => queue.addWithin(key, delay),
  });
  const lanes = new LaneFinder({
    settings,
    resources,
    registry,
    extensions,
    slow,
    holdersOf,
    choose: chooseForPass,
    isReleased,
    attachments,
    isAnySuspended: () => breakers.suspensions('Reconcile') !== undefined,
  });

  const suspend = (key: ResourceKey) => {
    breakers.forget(key);
    monitor.forget(key);
    extensions.forget(key);
  };
  const forget = (key: ResourceKey) => {
    suspend(key);
    requests.forget(key);
    holders.clear(key);
    dependents.requests.forget(key);
    operations.forget(key);
    requirements.forget(key);
    writeFailures.forget(key);
    slow.delete(key);
    events.forget(key);
    releases.complete(key);
  };
  const context: PassContext = {
    settings,
    resources,
    registry,
    caller: new DelegationCaller({ settings, caller, breakers, slow, enter, observer }),
    breakers,
    attachments,
    choose: chooseForPass,
    onChosen: (base, chosen) => monitor.starts(base, chosen),
    extensions,
    dependents,
    operations,
    requirements,
    progressEvents: new ProgressEvents(events),
    holders,
    isReleased,
    events,
    log,
  };
  const worker = new PassWorker({
    context,
    queue,
    requests,
    bases,
    breakers,
    kept,
    held,
    writeFailures,
    failureReporter: new WriteFailureReporter({
      delegation: settings.name,
      failures: writeFailures,
      events,
      observer,
      log,
    }),
    releases,
    monitor,
    observer,
    passes: new Passes(passObserver),
    onPass: (base, outcome) => onPass?.(settings.name, base, outcome),
    suspend,
    forget,
  });
  const baseFollower = new BaseFollower({
    settings,
    resources,
    bases,
    requests,
    monitor,
    forget,
    writeFailureOf: (key) => writeFailures.of(key),
    log,
  });

  return {
    bases,
    baseFollower,
    breakers,
    chooser,
    dependents,
    extensions,
    held,
    monitor,
    operations,
    queue,
    releases,
    requests,
    requirements,
    walks,
    writeFailures,
  };
}
