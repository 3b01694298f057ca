import { type Requirement } from '../requirement.ts';
import { type ControllerUnderTest } from './controller-under-test.ts';
/** What is required of the way a controller serves its registry. */
export declare const serving: readonly Requirement<ControllerUnderTest>[];
