import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { ActivityService, ObservedCallSchema, WatchActivityRequest } from '@kplug/protocol';
import type { CallRecorder, RecordedCall } from '../clients/recording/call-recorder.ts';
import type { Delegation } from '../delegation/delegation.ts';
import { isSameKind, parseKey, type ResourceKey } from '../resources/resource.ts';
import type { Activity } from '../telemetry/activities.ts';
import type { RecentPasses } from '../telemetry/recent-passes.ts';
import type { ActivityWatches } from './activity-watches.ts';
import { describePass } from './describe-pass.ts';
import { durationOf } from './duration-of.ts';
import { serveWatch } from './serve-watch.ts';

/** Parts of a controller whose activities are shown. */
export interface ActivityParts {
  delegations: () => Iterable<Delegation>;
  watches: ActivityWatches;
  passes: RecentPasses;
  /** `undefined` if no calls are recorded. */
  recorder: CallRecorder | undefined;
}

/** Implements `kplug.v1.ActivityService`: what the operator does and did lately. */
export function activityService({
  delegations,
  watches,
  passes,
  recorder,
}: ActivityParts): ServiceImpl<typeof ActivityService> {
  return {
    watchActivity: (request, context: HandlerContext) =>
      serveWatch(context, (reader) =>
        watches.open({ matches: matcherOf(request, delegations), recent: request.recent }, reader),
      ),

    listPasses: ({ key }) => ({ passes: passes.of(checkKey(key)).map(describePass) }),

    listCalls: ({ key }) => {
      const calls = recorder?.of(checkKey(key)) ?? [];
      return { recording: recorder !== undefined, calls: calls.map(describeCall) };
    },
  };
}

function describeCall({ at, took, ...call }: RecordedCall): MessageInitShape<typeof ObservedCallSchema> {
  return { ...call, at: timestampFromMs(at), took: durationOf(took) };
}

/** Throws `invalid_argument` for a malformed key, which no resource has. */
function checkKey(key: string): ResourceKey {
  if (/^[^/]*\/[^/]+\/[^/]+\/[^/]*\/[^/]+$/.test(key)) return key;
  throw new ConnectError('key is malformed; send group/version/kind/namespace/name', Code.InvalidArgument);
}

/** Returns the filter of a watch. */
function matcherOf(
  { delegation, namespace }: WatchActivityRequest,
  delegations: () => Iterable<Delegation>,
): (activity: Activity) => boolean {
  return (activity) => {
    if (namespace && activity.kind !== 'instance' && namespaceOf(activity) !== namespace) return false;
    return !delegation || isOf(delegation, activity, [...delegations()]);
  };
}

function namespaceOf(activity: Exclude<Activity, { kind: 'instance' }>): string {
  return parseKey(activity.kind === 'pass' ? activity.pass.key : activity.event.regarding).namespace;
}

/** Reports whether an activity is one of a delegation: of its resources, or of an instance of its API. */
function isOf(name: string, activity: Activity, all: readonly Delegation[]): boolean {
  if (activity.kind === 'pass') return activity.pass.delegation === name;
  const wanted = all.find(({ settings }) => settings.name === name);
  if (!wanted) return false;
  if (activity.kind === 'instance') return activity.instance.apis.includes(wanted.settings.api);
  const { regarding } = activity.event;
  if (!isSameKind(wanted.settings.base, parseKey(regarding))) return false;
  // Several delegations may share the kind. A resource that is gone could have been of any of them.
  return wanted.get(regarding) !== undefined || all.every((one) => one.get(regarding) === undefined);
}
