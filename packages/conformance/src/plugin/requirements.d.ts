import type { Requirement } from '../requirement.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
/** What `docs/plugin-specification.md` requires of a plugin, in the order in which it is tried. */
export declare const pluginRequirements: readonly Requirement<PluginUnderTest>[];
