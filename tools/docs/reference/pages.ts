import { cliPage } from './cli.ts';
import type { GeneratedPage } from './markdown.ts';
import { metricsPage } from './metrics.ts';
import { protocolPage } from './protocol.ts';
import { reasonsPage } from './reasons.ts';
import { resourcesPage } from './resources.ts';

/** Generated pages of the reference, but for those of the libraries, which `tools/api-reports.ts` writes. */
export function referencePages(): GeneratedPage[] {
  return [cliPage(), metricsPage(), protocolPage(), reasonsPage(), resourcesPage()];
}
