import { type Requirement } from '../requirement.ts';
import type { V0UnderTest } from './v0-under-test.ts';
/** What is required of each answer. Tried over all answers that the other requirements led to. */
export declare const answers: readonly Requirement<V0UnderTest>[];
