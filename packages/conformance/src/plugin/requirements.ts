import type { Requirement } from '../requirement.ts';
import { answers } from './answers.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import { reconciling } from './reconciling.ts';
import { hearing, registering } from './registering.ts';
import { serving } from './serving.ts';
import { stopping } from './stopping.ts';
import { work } from './work.ts';

/** What `docs/plugin-specification.md` requires of a plugin, in the order in which it is tried. */
export const pluginRequirements: readonly Requirement<PluginUnderTest>[] = [
  ...registering,
  ...serving,
  ...work,
  ...reconciling,
  ...answers,
  ...hearing,
  ...stopping,
];
