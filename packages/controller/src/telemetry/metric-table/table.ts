import { operatorMetrics } from './operator.ts';
import { pluginMetrics } from './plugins.ts';
import { workMetrics } from './work.ts';

/** All metrics of a controller besides those of its process. */
export const metricTable = { ...workMetrics, ...pluginMetrics, ...operatorMetrics };
