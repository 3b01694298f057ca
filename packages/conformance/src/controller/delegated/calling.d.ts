import { type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
/** What is required of the calls of a controller for resources that are delegated. */
export declare const calling: readonly Requirement<ControllerUnderTest>[];
/** What is required of the use of Work, by which the plugin's calls come from then on. */
export declare const working: readonly Requirement<ControllerUnderTest>[];
