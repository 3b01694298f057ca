import { type Requirement } from '../requirement.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
/** What is required of the way a plugin serves, whatever it does. */
export declare const serving: readonly Requirement<PluginUnderTest>[];
