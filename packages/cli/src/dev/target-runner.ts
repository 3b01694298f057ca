import type { HostedOutput, HostedPlugin, ProgramHost } from '@kplug/controller';
import { isJsonObject, readLogLine } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import type { DevLine } from './dev-output.ts';
import { findTarget } from './find-targets.ts';
import { type FoldedLine, Tracebacks } from './fold-tracebacks.ts';
import { OutputGate, type OutputLine } from './output-gate.ts';
import type { Fault, Preparation, Prepared } from './prepare.ts';
import { ownFrames, readFailure, withoutInternals } from './read-failure.ts';
import { SourceWatch } from './source-watch.ts';
import { formatDuration } from './status-feed.ts';
import type { Target } from './target.ts';
import { TypeCheck } from './type-check.ts';

/** Interval at which something that is missing is looked for again, in milliseconds. */
const missingInterval = 1_000;
/** Number of changes in a row by the plugin itself after which a file is not watched any more. */
const maxOwnChanges = 3;
/** Time after the registration of a plugin within which a change may be its own, in milliseconds. */
const ownChangeTime = 3_000;
/** Files of a language, which no plugin writes. */
const codeFile = /\.(?:[cm]?[jt]sx?|py|go)$|^(?:go\.mod|package\.json|plugin\.yaml)$/;

/** Dependencies of a runner. */
export interface TargetRunnerOptions {
  target: Target;
  /** Finds the plugin again by its path after a change, as its `plugin.yaml` or project may have changed. */
  isFound: boolean;
  preparation: Preparation;
  excluded: readonly string[];
  show: (line: DevLine) => void;
  /** Called when new code has registered. */
  onNewCode: () => void;
}

/** Runs one plugin from its sources: prepares it and starts it again when they change, and reports its failures. */
export class TargetRunner {
  readonly #options: TargetRunnerOptions;
  readonly #watch: SourceWatch;
  readonly #types: TypeCheck | undefined;
  readonly gate: OutputGate;
  #target: Target;
  #host: ProgramHost | undefined;
  #preparing = new AbortController();
  #missingTimer: NodeJS.Timeout | undefined;
  #shownFault = '';
  /** True from a failure until the plugin runs. */
  #isBroken = false;
  #hasRun = false;
  /** True from a change until the changed code has registered. */
  #isChanged = true;
  #changedAt = 0;
  #registeredAt = 0;
  #registeredPid: number | undefined;
  /** Process that has started and not registered. */
  #startingPid: number | undefined;
  #failures = 0;
  /** Number of the last line of output that was read. */
  #readUpTo = 0;
  readonly #tracebacks: Tracebacks;
  readonly #shownStacks = new Set<string>();
  readonly #ownChanges = new Map<string, number>();
  #isStopped = false;

  constructor(options: TargetRunnerOptions) {
    const { target, excluded, show } = options;
    this.#options = options;
    this.#target = target;
    this.#tracebacks = new Tracebacks(target.folder);
    this.#watch = new SourceWatch({ target, excluded, onChange: (files) => this.#onChange(files) });
    this.gate = new OutputGate((line) => show(this.#outputLine(line)));
    if (target.language === 'node') this.#types = new TypeCheck(target.folder, (...result) => this.#onTypes(...result));
  }

  get target(): Target {
    return this.#target;
  }

  /** Starts to watch the sources. Fulfilled when changes are noticed. */
  async watch(): Promise<void> {
    await this.#watch.start();
    const { problem } = this.#watch;
    if (problem) this.#say(`changes may be missed: ${problem}; press r after them, or watch fewer files`, 'warning');
  }

  /** Starts the plugin with a host, which may be that of an operator that was started again. */
  async start(host: ProgramHost): Promise<void> {
    this.#host = host;
    this.#registeredPid = undefined;
    this.#startingPid = undefined;
    this.#readUpTo = 0;
    this.#failures = 0;
    this.#changedAt = performance.now();
    this.#isChanged = true;
    await this.#use();
  }

  /** Forgets the host, whose operator stops. */
  detach(): void {
    this.#host = undefined;
    clearTimeout(this.#missingTimer);
    this.#preparing.abort();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.detach();
    this.#types?.stop();
    await this.#watch.close();
  }

  /** Takes in the status of the plugin's processes. */
  update(status: HostedPlugin): void {
    const { pid, state, message, plugin, version, failures } = status;
    if (failures > this.#failures) this.#onFailure(status);
    this.#failures = failures;
    if (pid === undefined || pid === this.#registeredPid) return;
    this.#startingPid = pid;
    if (state === 'live' && message === '') this.#onRegistered(pid, `${plugin} ${version}`);
  }

  /** Takes in what the processes wrote since the last time. */
  read(output: HostedOutput): void {
    for (const { number, ...raw } of output.after(this.#readUpTo)) {
      this.#readUpTo = number;
      // The failure of a process that starts is shown as it was written.
      const line = this.gate.isOpen(raw.pid) ? this.#tracebacks.fold(raw) : raw;
      if (line) this.gate.add(line.pid, this.#readLine(line));
    }
  }

  /** Reads a line of output. The stack of an error is shown once for the present code. */
  #readLine({ text, stream, frames }: FoldedLine): OutputLine {
    const { level, message, fields = {} } = readLogLine(text, stream);
    const { err, ...others } = fields;
    const line = { level, text: [message, ...Object.entries(others).map(formatField)].join(' ') };
    const stack = isJsonObject(err) ? ownFrames(String(err.stack ?? err.message), this.#target.folder) : frames;
    if (!stack) return line;
    const isShown = this.#shownStacks.size === this.#shownStacks.add(stack.join('\n')).size;
    return { ...line, details: isShown ? [] : stack };
  }

  #onRegistered(pid: number, plugin: string): void {
    this.#registeredPid = pid;
    this.#startingPid = undefined;
    this.#registeredAt = performance.now();
    this.gate.open(pid);
    if (!this.#isChanged) {
      this.#say(`runs again as ${plugin}`, 'good');
      return;
    }
    const took = formatDuration(performance.now() - this.#changedAt);
    const what = this.#hasRun ? 'new code runs' : 'runs';
    this.#say(`${this.#isBroken ? 'mended; ' : ''}${what} as ${plugin} after ${took}`, 'good');
    this.#hasRun = true;
    this.#isBroken = false;
    this.#isChanged = false;
    this.#options.onNewCode();
    // Not before, as it takes the time of the processor from the start.
    void this.#types?.start();
  }

  #onChange(files: readonly string[]): void {
    const counted = files.filter((file) => !this.#isOwnChange(file));
    if (counted.length === 0 || this.#isStopped) return;
    const [first = ''] = counted;
    const others = counted.length > 1 ? ` and ${counted.length - 1} more` : '';
    this.#say(`${first}${others} changed`, 'faint');
    this.#changedAt = performance.now();
    this.#isChanged = true;
    this.#types?.stop();
    void this.#use();
  }

  /** Reports whether a file isn't watched any more, as the plugin writes it: it changed after each of several starts. */
  #isOwnChange(file: string): boolean {
    if (codeFile.test(file)) return false;
    const isEarly = performance.now() - this.#registeredAt < ownChangeTime;
    const count = isEarly ? (this.#ownChanges.get(file) ?? 0) + 1 : 0;
    if ((this.#ownChanges.get(file) ?? 0) >= maxOwnChanges) return true;
    this.#ownChanges.set(file, count);
    if (count < maxOwnChanges) return false;
    this.#say(`${file} changes whenever the plugin runs; it is not watched any more`, 'warning');
    return true;
  }

  /** Prepares and starts the present sources. A preparation in progress is given up, as it is that of older ones. */
  async #use(): Promise<void> {
    this.#preparing.abort();
    clearTimeout(this.#missingTimer);
    const preparing = new AbortController();
    this.#preparing = preparing;
    const prepared = await this.#prepare(preparing.signal);
    if (!prepared || preparing.signal.aborted || !this.#host) return;
    if (prepared.fault) return this.#onFault(prepared.fault);
    const { name, folder, settings } = this.#target;
    this.#shownFault = '';
    this.gate.renew();
    this.#shownStacks.clear();
    this.#failures = 0;
    const environment = { ...prepared.environment, ...settings.environment };
    this.#host.use({ ...settings, environment, name, command: prepared.command, directory: folder });
  }

  async #prepare(signal: AbortSignal): Promise<Prepared | undefined> {
    try {
      const { target, isFound } = this.#options;
      if (isFound) {
        const [found] = await findTarget(target.path);
        if (found) this.#target = { ...found, name: target.name };
      }
      return await this.#options.preparation.prepare(this.#target, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      const isMissing = error instanceof CommandError && error.failure === 'notFound';
      return { fault: { message: (error as Error).message, isMissing } };
    }
  }

  #onFault({ message, output = [], isMissing }: Fault): void {
    const { name } = this.#target;
    this.#isBroken = true;
    const text = [message, ...output].join('\n');
    if (text !== this.#shownFault || !isMissing) {
      this.#shownFault = text;
      this.#say(`${message}${this.#hasRun ? '; the former code goes on' : ''}`, 'bad', output);
    }
    this.#host?.reject(name, message);
    if (isMissing) this.#missingTimer = setTimeout(() => void this.#use(), missingInterval);
  }

  #onFailure({ lastExit = '', state }: HostedPlugin): void {
    const hasStarted = this.#startingPid === undefined;
    const { isRepeated, all, unseen } = this.gate.fail(this.#startingPid ?? this.#registeredPid ?? 0);
    this.#startingPid = undefined;
    if (isRepeated) {
      if (hasStarted) this.#say(`ended again in the same way: ${lastExit}`, 'bad');
      return;
    }
    this.#isBroken = this.#isChanged;
    const { place, message, advice } = readFailure(all, this.#target.folder);
    const reason = [place, message || lastExit].filter(Boolean).join(' ');
    const former = state === 'live' ? 'the former code goes on' : 'it is started again, with growing delays';
    const parts = [`${hasStarted ? 'ended' : 'does not start'}: ${reason}`, former, advice].filter(Boolean);
    this.#say(parts.join('; '), 'bad', withoutInternals(unseen));
  }

  #onTypes(faults: readonly string[], isMended: boolean): void {
    if (isMended) {
      this.#say('types are correct again', 'good');
      return;
    }
    const count = faults.length === 1 ? 'a type error' : `${faults.length} type errors`;
    this.#say(`${count}; the plugin runs nevertheless`, 'warning', faults);
  }

  #outputLine({ level, text, details = [] }: OutputLine): DevLine {
    const kinds: Record<string, DevLine['kind']> = { error: 'bad', warn: 'warning', debug: 'faint' };
    return { subject: this.#target.name, text, kind: kinds[level] ?? 'plain', details };
  }

  #say(text: string, kind: DevLine['kind'], details: readonly string[] = []): void {
    this.#options.show({ subject: this.#target.name, text, kind, details });
  }
}

function formatField([name, value]: [string, unknown]): string {
  return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
}
