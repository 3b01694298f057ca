import { answers } from './answers.js';
import { reconciling } from './reconciling.js';
import { hearing, registering } from './registering.js';
import { serving } from './serving.js';
import { stopping } from './stopping.js';
import { work } from './work.js';
/** What `docs/plugin-specification.md` requires of a plugin, in the order in which it is tried. */
export const pluginRequirements = [
  ...registering,
  ...serving,
  ...work,
  ...reconciling,
  ...answers,
  ...hearing,
  ...stopping,
];
//# sourceMappingURL=requirements.js.map
