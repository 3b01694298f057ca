import type { Requirement } from '../requirement.ts';
import type { V0UnderTest } from './v0-under-test.ts';
/** What `docs/plugin-specification.md` requires of a plugin of the first Kplug's protocol, in the order in which it is tried. */
export declare const v0Requirements: readonly Requirement<V0UnderTest>[];
