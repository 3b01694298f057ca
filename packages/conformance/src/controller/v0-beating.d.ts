import { type Requirement } from '../requirement.ts';
import type { ControllerUnderTest } from './controller-under-test.ts';
/** What is required of the way a controller hears plugins of the first Kplug's protocol. */
export declare const v0Beating: readonly Requirement<ControllerUnderTest>[];
/** Throws `NotTried` when the controller doesn't take plugins of the first Kplug's protocol. */
export declare function demandTaken(controller: ControllerUnderTest): Promise<void>;
