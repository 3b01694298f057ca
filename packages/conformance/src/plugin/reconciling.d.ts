import { type Requirement } from '../requirement.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
/** What is required of Reconcile and Finalize, tried by calling them. */
export declare const reconciling: readonly Requirement<PluginUnderTest>[];
