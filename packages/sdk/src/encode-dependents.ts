import { type Duration, durationFromMs } from '@bufbuild/protobuf/wkt';
import { DependentPolicy } from '@kplug/protocol';
import { encodeJson } from './encode-json.ts';
import type { Dependent, RuledDependent } from './plugin.ts';

const policies = {
  Apply: DependentPolicy.APPLY,
  CreateOnly: DependentPolicy.CREATE_ONLY,
  Recreate: DependentPolicy.RECREATE,
  Observe: DependentPolicy.OBSERVE,
} as const;

/** Rules of a dependent as they are sent. */
interface EncodedRules {
  dependsOn: string[];
  readyWhen: string;
  readyTimeout?: Duration;
  includeWhen: string;
  policy: DependentPolicy;
  retain: boolean;
}

/** Encodes the dependents of an answer. Throws `RangeError` and `TypeError` as `encodeJson` does. */
export function encodeDependents(dependents: readonly (Dependent | RuledDependent)[]): {
  items: Uint8Array[];
  rules: Record<string, EncodedRules>;
} {
  const ruled = dependents.filter(isRuled);
  return {
    items: dependents.map((dependent) => encodeJson(isRuled(dependent) ? dependent.manifest : dependent)),
    rules: Object.fromEntries(ruled.map(({ manifest, ...rules }) => [dependentName(manifest), encodeRules(rules)])),
  };
}

function encodeRules({
  dependsOn = [],
  readyWhen = '',
  readyTimeout,
  includeWhen = '',
  policy = 'Apply',
  retain = false,
}: Omit<RuledDependent, 'manifest'>): EncodedRules {
  if (!Object.hasOwn(policies, policy))
    throw new TypeError(`the policy of a dependent is ${policy}; use Apply, CreateOnly, Recreate or Observe`);
  return {
    dependsOn,
    readyWhen,
    ...(readyTimeout !== undefined && { readyTimeout: durationFromMs(readyTimeout) }),
    includeWhen,
    policy: policies[policy],
    retain,
  };
}

/** Returns the name of a dependent, `Kind.group/name`, which is unique in an answer. */
export function dependentName({ apiVersion, kind, metadata }: Dependent): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? `${kind}/${metadata.name}` : `${kind}.${apiVersion.slice(0, slash)}/${metadata.name}`;
}

function isRuled(dependent: Dependent | RuledDependent): dependent is RuledDependent {
  return 'manifest' in dependent && !('kind' in dependent);
}
