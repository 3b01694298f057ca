import './require-node.ts';

import type { KplugErrorCode } from '@kplug/controller';

const byCode: Record<KplugErrorCode, 1 | 2 | 3 | 4 | 5> = {
  InvalidConfiguration: 2,
  InvalidManifest: 2,
  InvalidRegistration: 1,
  InvalidResponse: 1,
  DependentForbidden: 1,
  RequirementForbidden: 1,
  RequirementsTooLarge: 1,
  RequirementsUnstable: 1,
  PluginUnavailable: 4,
  PluginFailed: 1,
  DeadlineExceeded: 1,
  PluginSuspended: 1,
  DownloadFailed: 1,
  PortInUse: 5,
  StorageFailed: 1,
  NotFound: 3,
  Conflict: 1,
  Immutable: 1,
  LeadershipLost: 1,
  Stopped: 1,
};

/**
 * Returns the exit code for a `KplugError`; 1 for any other error. The error is recognized by its fields, as loading the library for
 * `instanceof` takes longer than most commands.
 */
export function exitCodeOfKplugError(error: unknown): 1 | 2 | 3 | 4 | 5 {
  if (!(error instanceof Error) || error.name !== 'KplugError' || !('code' in error)) return 1;
  return byCode[error.code as KplugErrorCode] ?? 1;
}
