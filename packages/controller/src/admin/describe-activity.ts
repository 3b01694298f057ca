import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type ActivitySchema, InstanceState } from '@kplug/protocol';
import type { Activity, InstanceTransition } from '../telemetry/activities.ts';
import { describeEvent } from './describe-event.ts';
import { describePass } from './describe-pass.ts';

type ActivityMessage = MessageInitShape<typeof ActivitySchema>;

/** Describes an activity. */
export function describeActivity(activity: Activity): ActivityMessage {
  return {
    sequence: BigInt(activity.sequence),
    at: timestampFromMs(activity.at),
    what: describeWhat(activity),
  };
}

function describeWhat(activity: Activity): NonNullable<ActivityMessage['what']> {
  switch (activity.kind) {
    case 'pass':
      return { case: 'pass', value: describePass(activity.pass) };
    case 'event':
      return { case: 'event', value: describeEvent(activity.event) };
    case 'instance':
      return { case: 'instance', value: describeTransition(activity.instance) };
  }
}

function describeTransition({ plugin, version, instanceId, state, from, reason }: InstanceTransition) {
  return {
    ...{ plugin, version, instanceId, reason },
    state: states[state],
    formerState: from === undefined ? InstanceState.UNSPECIFIED : states[from],
  };
}

const states = {
  live: InstanceState.LIVE,
  suspect: InstanceState.SUSPECT,
  draining: InstanceState.DRAINING,
  gone: InstanceState.GONE,
} as const;
