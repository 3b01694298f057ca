import type { Requirement } from '../requirement.ts';
import { answers } from './answers.ts';
import { beating, lasting } from './beating.ts';
import { calling } from './calling.ts';
import type { V0UnderTest } from './v0-under-test.ts';

/** What `docs/plugin-specification.md` requires of a plugin of the first Kplug's protocol, in the order in which it is tried. */
export const v0Requirements: readonly Requirement<V0UnderTest>[] = [...beating, ...calling, ...answers, ...lasting];
