import { clockTime } from '../output/clock-time.ts';
import { formatTable, plain } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import type { AttachmentStatus } from './attachment-object.ts';

/** Prints what happens to an attachment: its resources whenever they change, and the reason while there are none. */
export class AttachmentReport {
  readonly #terminal: Terminal;
  #printed = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Prints a status, if it says something else than the last one. */
  update(status: AttachmentStatus): void {
    const { taken, resources, reason, message } = status;
    // Until this process has connected.
    if (reason === 'NotConnected' && this.#printed === '') return;
    const text = JSON.stringify([
      message,
      resources.map(({ name, taken: isTaken, takenBy }) => [name, isTaken, takenBy]),
    ]);
    if (text === this.#printed) return;
    this.#printed = text;
    const { errorColors: colors, say } = this.#terminal;
    say(taken > 0 ? colors.green(plain(message)) : `${colors.yellow('waiting:')} ${plain(message)}`);
    const hasRival = resources.some(({ takenBy }) => takenBy !== '');
    if (taken === 0 && !hasRival && reason !== 'NotChosen') return;
    const rows = resources.map(({ name, plugin, taken: isTaken, ready, takenBy }) => [
      plain(name),
      isTaken ? colors.green('yes') : 'no',
      plain(takenBy ? `${takenBy} (older)` : shortVersion(plugin)),
      plain(ready),
    ]);
    say(formatTable({ header: ['NAME', 'TAKEN', 'PLUGIN', 'READY'], rows }, colors));
  }

  /** Prints a line about a resource. */
  note(resource: string, message: string): void {
    const time = clockTime();
    this.#terminal.say(`${this.#terminal.errorColors.dim(time)} ${plain(resource)}: ${plain(message)}`);
  }
}

/** Leaves the attachment out of the version of an attached plugin: the column TAKEN says it. */
function shortVersion(plugin: string): string {
  return plugin.replace(/[+.]attached\..*$/, '');
}
