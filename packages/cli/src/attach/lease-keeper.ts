import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import type { Terminal } from '../output/terminal.ts';
import { isRefused } from './attach-error.ts';
import { type AttachmentObject, readAttachmentStatus } from './attachment-object.ts';
import type { AttachmentReport } from './report.ts';

/** Interval of reading the status, in milliseconds. */
const statusInterval = 1_000;

/** Options of a lease keeper. */
export interface LeaseKeeperOptions {
  /** Duration of the lease, in milliseconds. It is renewed after a third of it. */
  lease: number;
  report: AttachmentReport;
  terminal: Terminal;
}

/** Renews the lease of an attachment, and reports its status. */
export class LeaseKeeper {
  readonly #attachment: AttachmentObject;
  readonly #options: LeaseKeeperOptions;
  #renewedAt = performance.now();
  #isFailing = false;

  constructor(attachment: AttachmentObject, options: LeaseKeeperOptions) {
    this.#attachment = attachment;
    this.#options = options;
  }

  /** Fulfilled when the signal is aborted. Rejects with a `CommandError` when the attachment has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // It rejects only when the wait is interrupted.
      await sleep(statusInterval, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#check();
    }
  }

  async #check(): Promise<void> {
    const { report, terminal } = this.#options;
    const { key } = this.#attachment;
    try {
      const current = await this.#renewOrRead();
      this.#isFailing = false;
      if (!current) {
        const message = `the Attachment ${key} was deleted, or its lease expired; its resources were handed back`;
        throw new CommandError('failed', message);
      }
      const status = readAttachmentStatus(current);
      if (status) report.update(status);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const reason = messageOf(error);
      if (isRefused(error))
        throw new CommandError('failed', `you may no longer renew the Attachment ${key}: ${reason}`);
      if (!this.#isFailing) terminal.say(`${terminal.errorColors.yellow('warning:')} ${reason}; retrying`);
      this.#isFailing = true;
    }
  }

  async #renewOrRead() {
    const startedAt = performance.now();
    if (startedAt - this.#renewedAt < this.#options.lease / 3) return this.#attachment.read();
    const renewed = await this.#attachment.renew();
    this.#renewedAt = startedAt;
    return renewed;
  }
}
