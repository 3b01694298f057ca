// Access for the tests and tools of this repository. This export path is not published.
export { registryOf } from './controller.ts';
export { formatLimit, formatRange } from './limits/format-limit.ts';
export type { Limit, LimitGroup } from './limits/limit.ts';
export { limitTable } from './limits/limits.ts';
