/**
 * Code of a `PluginError`.
 *
 * - `Retry`: the call failed, and a retry may succeed.
 * - `Terminal`: the call failed, and a retry can't succeed until something changes.
 * - `InvalidDefinition`: the definition of the plugin, or an environment variable, is invalid.
 * - `CannotServe`: the plugin can't listen on its address.
 * - `InvalidInput`: a test calls the plugin with invalid input.
 */
export type PluginErrorCode = 'Retry' | 'Terminal' | 'InvalidDefinition' | 'CannotServe' | 'InvalidInput';

/** Options of `retry` and `terminal`. */
export interface PluginErrorOptions {
  /** Reason for the status, in one PascalCase word. Default `Failed`. */
  reason?: string;
  cause?: unknown;
}

/** Error class of this package. `reconcile` and `finalize` throw one that `retry` or `terminal` made, to choose whether to be retried. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  readonly code: PluginErrorCode;
  readonly reason: string;
  /** Delay before the retry, in milliseconds; `undefined` for the controller's exponential back-off. */
  readonly retryAfter: number | undefined;

  constructor(code: PluginErrorCode, message: string, options: PluginErrorOptions & { retryAfter?: number } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.reason = options.reason ?? 'Failed';
    this.retryAfter = options.retryAfter;
  }
}

/** Makes the error for a transient failure. It is retried after `options.after` milliseconds, by default with exponential back-off. */
export function retry(message: string, options: PluginErrorOptions & { after?: number } = {}): PluginError {
  const { after, ...rest } = options;
  return new PluginError('Retry', message, after === undefined ? rest : { ...rest, retryAfter: after });
}

/** Makes the error for a permanent failure. It is not retried until the resource, an extension or the plugin changes. */
export function terminal(message: string, options: PluginErrorOptions = {}): PluginError {
  return new PluginError('Terminal', message, options);
}
