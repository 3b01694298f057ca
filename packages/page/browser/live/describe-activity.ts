import {
  type Activity,
  EventType,
  type InstanceChange,
  InstanceState,
  type Pass,
  type RecordedEvent,
} from '@kplug/protocol/services';
import { wordOfInstance } from '../format/instance-word.ts';
import { resultOf } from '../format/pass.ts';
import { durationOf, formatDuration } from '../format/time.ts';
import type { IconName } from '../parts/icon.tsx';
import type { ActivityKind } from '../routing/live-filter.ts';
import { nameOfKey } from '../routing/resource-key.ts';
import { pluginLink, resourceLink } from '../routing/route.ts';

/** An activity for people. */
export interface ActivityText {
  readonly kind: ActivityKind | 'unknown';
  readonly icon: IconName;
  readonly word: string;
  readonly subject: string;
  readonly link: string | undefined;
  readonly text: string;
  /** True if a user should look at it. */
  readonly isBad: boolean;
}

/** Describes an activity. */
export function describeActivity({ what }: Activity): ActivityText {
  switch (what.case) {
    case 'pass':
      return describePass(what.value);
    case 'event':
      return describeEvent(what.value);
    case 'instance':
      return describeInstance(what.value);
    case undefined: {
      const text = 'something that this page doesn’t know';
      return { kind: 'unknown', icon: 'unknown', word: 'unknown', subject: '', link: undefined, text, isBad: false };
    }
  }
}

function describePass(pass: Pass): ActivityText {
  const { key, plugins, reason, message, took } = pass;
  const { word, icon } = resultOf(pass);
  const by = plugins.length > 0 ? `by ${plugins.join(', ')} ` : '';
  const why = [reason, message].filter(Boolean).join(': ');
  const text = `${by}in ${formatDuration(durationOf(took) ?? 0)}${why ? `, ${why}` : ''}`;
  return {
    kind: 'passes',
    icon,
    word,
    subject: nameOfKey(key),
    link: resourceLink(key),
    text,
    isBad: icon === 'failing',
  };
}

function describeEvent({ event, count }: RecordedEvent): ActivityText {
  const { type, reason = '', message = '', target = '' } = event ?? {};
  const isBad = type === EventType.WARNING;
  const text = `${reason}: ${message}${count > 1 ? ` (${count} times)` : ''}`;
  const [icon, word] = isBad ? (['warning', 'warning'] as const) : (['info', 'event'] as const);
  return { kind: 'events', icon, word, subject: nameOfKey(target), link: resourceLink(target), text, isBad };
}

function describeInstance({ plugin, version, instanceId, state, formerState, reason }: InstanceChange): ActivityText {
  const word = wordOfInstance(state);
  const before = formerState === InstanceState.UNSPECIFIED ? 'new' : `was ${wordOfInstance(formerState)}`;
  const text = `${instanceId}, ${before}${reason ? `: ${reason}` : ''}`;
  const isBad = state === InstanceState.SUSPECT;
  return {
    kind: 'instances',
    icon: word,
    word,
    subject: `${plugin} ${version}`,
    link: pluginLink(plugin),
    text,
    isBad,
  };
}
