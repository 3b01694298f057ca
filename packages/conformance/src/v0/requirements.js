import { answers } from './answers.js';
import { beating, lasting } from './beating.js';
import { calling } from './calling.js';
/** What `docs/plugin-specification.md` requires of a plugin of the first Kplug's protocol, in the order in which it is tried. */
export const v0Requirements = [...beating, ...calling, ...answers, ...lasting];
//# sourceMappingURL=requirements.js.map
