import { KplugError } from '../../errors.ts';

/** Failure to download a plugin. `NotFound`: the release does not exist. */
export class DownloadFailure extends KplugError {
  /** True if a retry can't succeed unless the release or the list changes. */
  readonly isLasting: boolean;

  constructor(code: 'NotFound' | 'DownloadFailed', message: string, isLasting: boolean, options?: { cause?: unknown }) {
    super(code, message, options);
    this.isLasting = isLasting;
  }
}
