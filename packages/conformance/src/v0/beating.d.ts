import { type Requirement } from '../requirement.ts';
import type { V0UnderTest } from './v0-under-test.ts';
/** What is required of the way a plugin makes itself known. Tried first. */
export declare const beating: readonly Requirement<V0UnderTest>[];
/** What takes a while to see, or ends the plugin. Tried last. */
export declare const lasting: readonly Requirement<V0UnderTest>[];
