import type { Requirement } from '../requirement.ts';
import { answerRequirements } from './answers.ts';
import { callRequirements } from './calls.ts';
import { concurrencyRequirement } from './concurrency.ts';
import { heartbeatRequirements, terminalRequirements } from './heartbeats.ts';
import type { V0UnderTest } from './v0-under-test.ts';

/** Requirements on plugins of the first Kplug's protocol, in the order in which they are checked. */
export const v0Requirements: readonly Requirement<V0UnderTest>[] = [
  ...heartbeatRequirements,
  ...callRequirements,
  concurrencyRequirement,
  ...answerRequirements,
  ...terminalRequirements,
];
