import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { KplugError, messageOf } from '../errors.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { fingerprintOf } from './fingerprint.ts';
import { openFile } from './open-file.ts';

/** Options of a watched file. Times in milliseconds. */
export interface WatchedFileOptions<T> {
  path: string;
  /** Parses the content. Throws with what is wrong with it. */
  parse: (text: string) => T;
  /** Returns the reason to refuse the file because of its metadata. Default: never. */
  refuse?: (stats: Stats) => string | undefined;
  /** Maximum size, in bytes. */
  maxSize: number;
  /** Interval of regular checks for changes that the system does not report. */
  scanInterval: number;
  /** Time that the file must stay unchanged before it is read. */
  settleTime: number;
  /** Receives the problem of the current file, whose former content stays in effect, when it changes; `undefined` when it is solved. */
  onProblem?: (message: string | undefined) => void;
  /** Called after the content was replaced. */
  onChange?: (value: T) => void;
}

/** File whose parsed content follows its changes. A file that is missing or broken keeps its former content. */
export class WatchedFile<T> {
  readonly #options: WatchedFileOptions<T>;
  readonly #watch: DirectoryWatch;
  #value: T;
  #fingerprint: string;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: WatchedFileOptions<T>, { value, fingerprint }: ReadFile<T>) {
    this.#options = options;
    this.#value = value;
    this.#fingerprint = fingerprint;
    const name = basename(options.path);
    this.#watch = new DirectoryWatch(dirname(options.path), () => this.#scanAfter(options.settleTime), {
      depth: 0,
      // Kubernetes replaces the files of a volume by one link, `..data`.
      includes: (path) => path === name || path.startsWith('..'),
    });
  }

  /** Reads a file, and watches it from then on. Rejects with `InvalidConfiguration` when the file can't be used. */
  static async open<T>(options: WatchedFileOptions<T>): Promise<WatchedFile<T>> {
    try {
      const file = new WatchedFile(options, await read(options));
      await file.#watch.start();
      file.#scanAfter(options.scanInterval);
      return file;
    } catch (cause) {
      throw new KplugError('InvalidConfiguration', messageOf(cause), { cause });
    }
  }

  /** Content of the last version of the file that could be used. */
  get value(): T {
    return this.#value;
  }

  /** Problem of the current version of the file; `undefined` when there is none. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Stops watching. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#scanning;
    await this.#watch.close();
  }

  #scanAfter(delay: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#scanning = this.#scanning.then(() => this.#scan());
    }, delay).unref();
  }

  async #scan(): Promise<void> {
    const { path, settleTime, scanInterval, onChange } = this.#options;
    let next = scanInterval;
    try {
      const before = await stat(path, { bigint: true });
      if (fingerprintOf(before) === this.#fingerprint) this.#report(undefined);
      else if (Date.now() - Number(before.mtimeMs) < settleTime && before.mtimeMs <= Date.now()) next = settleTime;
      else {
        const { value, fingerprint } = await read(this.#options);
        this.#value = value;
        this.#fingerprint = fingerprint;
        this.#report(undefined);
        onChange?.(value);
      }
    } catch (error) {
      this.#report(messageOf(error));
    }
    this.#scanAfter(next);
  }

  #report(problem: string | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.onProblem?.(problem);
  }
}

interface ReadFile<T> {
  value: T;
  fingerprint: string;
}

async function read<T>({ path, parse, refuse, maxSize }: WatchedFileOptions<T>): Promise<ReadFile<T>> {
  await using opened = await openFile(path);
  const { handle } = opened;
  const fault = refuse?.(await handle.stat());
  if (fault) throw new Error(`${path} is refused: ${fault}`);
  const before = await handle.stat({ bigint: true });
  if (!before.isFile()) throw new Error(`${path} is not a file`);
  if (before.size > BigInt(maxSize))
    throw new Error(`${path} has ${before.size} bytes; at most ${maxSize} are accepted`);
  const text = await handle.readFile('utf8');
  const fingerprint = fingerprintOf(await handle.stat({ bigint: true }));
  if (fingerprint !== fingerprintOf(before)) throw new Error(`${path} is being written`);
  return { value: parse(text), fingerprint };
}
