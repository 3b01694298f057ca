import { type Requirement } from '../requirement.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
/** What is required of the way a plugin stops, and of the process that comes after it. Tried last. */
export declare const stopping: readonly Requirement<PluginUnderTest>[];
