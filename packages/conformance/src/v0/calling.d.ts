import { type Requirement } from '../requirement.ts';
import type { V0UnderTest } from './v0-under-test.ts';
/** What is required of `create`, `update` and `delete`, tried by calling them. Ends with nothing there. */
export declare const calling: readonly Requirement<V0UnderTest>[];
