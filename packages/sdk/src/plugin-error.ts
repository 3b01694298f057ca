/**
 * What went wrong, for programs.
 *
 * - `Retry`: the work isn't done; trying again can help.
 * - `Terminal`: the work isn't done, and trying again can't help until something changes.
 * - `InvalidDefinition`: the plugin is defined, or configured by its environment, in a way that can't work.
 * - `CannotServe`: the plugin can't listen on its address.
 */
export type PluginErrorCode = 'Retry' | 'Terminal' | 'InvalidDefinition' | 'CannotServe';

/** Options of `retry` and `terminal`. */
export interface PluginErrorOptions {
  /** Why, in one PascalCase word, for the status. Default: `Failed`. */
  reason?: string;
  cause?: unknown;
}

/** The one error class of this package. `reconcile` and `finalize` throw it, by `retry` and `terminal`, to say what should happen next. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  readonly code: PluginErrorCode;
  readonly reason: string;
  /** When to try again, in milliseconds; `undefined` for the controller's exponential back-off. */
  readonly retryAfter: number | undefined;

  constructor(code: PluginErrorCode, message: string, options: PluginErrorOptions & { retryAfter?: number } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.reason = options.reason ?? 'Failed';
    this.retryAfter = options.retryAfter;
  }
}

/** A failure that goes away by itself: try again, after `options.after` milliseconds or with the controller's back-off. */
export function retry(message: string, options: PluginErrorOptions & { after?: number } = {}): PluginError {
  const { after, ...rest } = options;
  return new PluginError('Retry', message, after === undefined ? rest : { ...rest, retryAfter: after });
}

/** A failure that stays until the resource, an extension or the plugin changes. */
export function terminal(message: string, options: PluginErrorOptions = {}): PluginError {
  return new PluginError('Terminal', message, options);
}
