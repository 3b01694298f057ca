import { type Requirement } from '../requirement.ts';
import { type ControllerUnderTest } from './controller-under-test.ts';
/** What is required of the way a controller hears plugins. */
export declare const hearing: readonly Requirement<ControllerUnderTest>[];
