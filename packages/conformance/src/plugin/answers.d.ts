import { type Requirement } from '../requirement.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
/** The status fields that are the controller's. */
export declare const ownFields: readonly string[];
/** What is required of each answer. Tried last, over all answers that the other requirements led to. */
export declare const answers: readonly Requirement<PluginUnderTest>[];
/** Whether a value is an object of JSON. */
export declare function isObject(value: unknown): value is object;
/** The first key in a value that no status may have, at any depth. */
export declare function forbiddenKeyIn(value: unknown): string | undefined;
