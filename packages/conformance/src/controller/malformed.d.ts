import { type Requirement } from '../requirement.ts';
import type { ControllerUnderTest } from './controller-under-test.ts';
/** What must be refused, each as a requirement of its own, in one way of beating and the other. */
export declare const refusing: readonly Requirement<ControllerUnderTest>[];
