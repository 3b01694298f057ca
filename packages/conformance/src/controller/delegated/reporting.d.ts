import { type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
/** What is required of what a controller makes of answers. */
export declare const reporting: readonly Requirement<ControllerUnderTest>[];
