import { limits } from '../limits/limits.ts';
import { type CountedFailure, FailureCounts } from './failure-counts.ts';
import { type MeasuredHistory, PassHistory } from './pass-history.ts';
import { type Figures, Periods, WorkFigures } from './work-figures.ts';

const { maxPluginLabels, maxLabelValues } = limits.telemetry;

/** Load of a plugin. */
export interface MeasuredPlugin {
  /** Name of the plugin; `undefined` for all plugins together that are not counted separately. */
  plugin: string | undefined;
  passes: MeasuredWork;
  calls: MeasuredWork;
  inFlight: number;
  /** End of the last call, in milliseconds since the epoch. */
  lastCallAt: number | undefined;
  /** Failures of its calls, the most frequent reason first. */
  failures: CountedFailure[];
}

/** Recent work, and all since the start. */
export interface MeasuredWork {
  recent: Figures;
  total: Figures;
}

interface PluginRecord {
  plugin: string | undefined;
  passes: WorkFigures;
  calls: WorkFigures;
  inFlight: number;
  lastCallAt: number | undefined;
  failures: FailureCounts;
}

/** Counts what plugins and delegations do. Plugins choose their names, so that the number of separate counts is limited. */
export class RecentLoad {
  readonly #periods: Periods;
  readonly #plugins = new Map<string, PluginRecord>();
  readonly #delegations = new Map<string, WorkFigures>();
  /** Plugins that are not counted separately. */
  readonly #others = recordOf(undefined);
  readonly #otherDelegations = new WorkFigures();
  readonly #history: PassHistory;

  /** @param now clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#periods = new Periods(now);
    this.#history = new PassHistory(now);
  }

  /** Times that the recent figures and all figures cover, in milliseconds. */
  get times(): { recent: number; total: number } {
    const { recent, total } = this.#periods;
    return { recent, total };
  }

  /** Counts a pass over a resource of a delegation that chose some plugins. */
  passed(delegation: string, failed: boolean, plugins: readonly string[]): void {
    const period = this.#periods.current;
    this.#delegationOf(delegation).add(period, failed);
    this.#history.passed(delegation, failed);
    for (const plugin of plugins) this.#recordOf(plugin).passes.add(period, failed);
  }

  /** Adds the duration of a pass, in milliseconds. */
  worked(delegation: string, took: number): void {
    this.#delegationOf(delegation).addDuration(this.#periods.current, took);
  }

  /** Counts a call that begins. */
  calling(plugin: string): void {
    this.#recordOf(plugin).inFlight++;
  }

  /** Counts a call that ended. @param duration duration in milliseconds. */
  called(plugin: string, failed: boolean, duration: number): void {
    const record = this.#recordOf(plugin);
    const period = this.#periods.current;
    record.calls.add(period, failed);
    record.calls.addDuration(period, duration);
    record.inFlight--;
    record.lastCallAt = Date.now();
  }

  /** Counts the failure of a call, or the failure that a valid answer reports. @param reason reason in one word. */
  callFailed(plugin: string, reason: string, message: string): void {
    this.#recordOf(plugin).failures.add(reason, message);
  }

  /** Returns the load of all plugins that were chosen or called. */
  plugins(): MeasuredPlugin[] {
    const others = this.#others.calls.total.count + this.#others.passes.total.count + this.#others.inFlight;
    const records = [...this.#plugins.values(), ...(others > 0 ? [this.#others] : [])];
    return records.map(({ plugin, passes, calls, inFlight, lastCallAt, failures }) => ({
      ...{ plugin, inFlight, lastCallAt },
      passes: this.#measure(passes),
      calls: this.#measure(calls),
      failures: failures.list(),
    }));
  }

  /** Reports whether the work of a plugin is counted separately: that of one without a count was none. */
  isCounted(plugin: string): boolean {
    return this.#plugins.size < maxPluginLabels || this.#plugins.has(plugin.toLowerCase());
  }

  /** Returns the passes of a delegation; `undefined` if they are not counted separately. */
  passesOf(delegation: string): MeasuredWork | undefined {
    const passes = this.#delegations.get(delegation);
    if (passes) return this.#measure(passes);
    return this.#delegations.size < maxLabelValues ? this.#measure(new WorkFigures()) : undefined;
  }

  /** Returns the passes of about the last hour. */
  history(): MeasuredHistory {
    return this.#history.read();
  }

  #measure(figures: WorkFigures): MeasuredWork {
    return { recent: figures.recent(this.#periods.current), total: figures.total };
  }

  #recordOf(plugin: string): PluginRecord {
    const key = plugin.toLowerCase();
    const known = this.#plugins.get(key);
    if (known) return known;
    if (this.#plugins.size >= maxPluginLabels) return this.#others;
    const record = recordOf(plugin);
    this.#plugins.set(key, record);
    return record;
  }

  #delegationOf(delegation: string): WorkFigures {
    const known = this.#delegations.get(delegation);
    if (known) return known;
    if (this.#delegations.size >= maxLabelValues) return this.#otherDelegations;
    const passes = new WorkFigures();
    this.#delegations.set(delegation, passes);
    return passes;
  }
}

function recordOf(plugin: string | undefined): PluginRecord {
  return {
    ...{ plugin, inFlight: 0, lastCallAt: undefined },
    ...{ passes: new WorkFigures(), calls: new WorkFigures(), failures: new FailureCounts() },
  };
}
