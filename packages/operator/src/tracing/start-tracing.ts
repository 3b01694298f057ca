import type { Logger } from 'pino';
import type { Tracing } from './tracing.ts';
import { readTracing } from './tracing-settings.ts';

/**
 * Starts to export traces, if the standard variables of OpenTelemetry ask for that. Its SDK is loaded only then. An embedding program that
 * registered an SDK itself keeps that one.
 */
export async function startTracing(
  environment: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): Promise<Tracing | undefined> {
  const { settings, remarks } = readTracing(environment);
  for (const remark of remarks) logger.warn(remark);
  if (!settings) return undefined;
  const { openExporting } = await import('./exporting.ts');
  return openExporting(settings, logger);
}
