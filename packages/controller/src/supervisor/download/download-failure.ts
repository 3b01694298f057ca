import { KplugError } from '../../errors.ts';

/** Why a plugin could not be fetched. `NotFound` where there is no such release. */
export class DownloadFailure extends KplugError {
  /** Whether trying again soon can't help. */
  readonly isLasting: boolean;

  constructor(code: 'NotFound' | 'DownloadFailed', message: string, isLasting: boolean, options?: { cause?: unknown }) {
    super(code, message, options);
    this.isLasting = isLasting;
  }
}
