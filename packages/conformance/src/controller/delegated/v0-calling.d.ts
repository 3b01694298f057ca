import { type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
/** What is required of the calls of plugins of the first Kplug's protocol, and of what becomes of their answers. */
export declare const v0Calling: readonly Requirement<ControllerUnderTest>[];
