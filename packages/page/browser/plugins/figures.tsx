import type { PluginLoad, WorkFigures } from '@kplug/protocol/services';
import { formatCount, formatShare } from '../format/number.ts';
import { durationOf, formatDuration } from '../format/time.ts';

/** A duration of figures; a dash if it isn't known. */
export function Percentile({ figures, name }: { figures: WorkFigures | undefined; name: 'p50' | 'p99' }) {
  const duration = durationOf(figures?.[name]);
  return <>{duration === undefined ? '–' : formatDuration(duration)}</>;
}

/** Number of calls that failed, and their share. */
export function FailedShare({ figures }: { figures: WorkFigures | undefined }) {
  if (!figures) return <>–</>;
  const { failed, count } = figures;
  if (failed === 0n) return <span class="muted">0</span>;
  return (
    <span class="state-failing">
      {formatCount(failed)} ({formatShare(Number(failed), Number(count))})
    </span>
  );
}

/** Share of the resources that a plugin has, as a bar and in words. */
export function ResourceShare({ load, resources }: { load: PluginLoad | undefined; resources: number }) {
  if (!load) return <>–</>;
  return (
    <span class="share-bar">
      <span class="bar small" aria-hidden="true">
        <span class="fill-accent" style={{ width: `${resources > 0 ? (100 * load.resources) / resources : 0}%` }} />
      </span>
      <span class="number">
        {formatCount(load.resources)} <span class="muted">({formatShare(load.resources, resources)})</span>
      </span>
    </span>
  );
}
