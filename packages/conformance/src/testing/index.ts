import { fileURLToPath } from 'node:url';

export { WrongController } from './wrong-controller.ts';
export { WrongPlugin } from './wrong-serving.ts';
export { WrongV0Plugin } from './wrong-v0-serving.ts';

/** Program of a plugin that violates the requirement that the variable `WRONG` names. */
export const wrongPlugin = fileURLToPath(new URL('./wrong-plugin.ts', import.meta.url));

/** Program of a plugin of the first Kplug's protocol that violates the requirement that the variable `WRONG` names. */
export const wrongV0Plugin = fileURLToPath(new URL('./wrong-v0-plugin.ts', import.meta.url));
