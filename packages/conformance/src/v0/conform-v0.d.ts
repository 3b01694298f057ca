import type { ConformPluginOptions } from '../plugin/conform-plugin.ts';
import type { Life } from '../plugin/life.ts';
import type { Report } from '../report.ts';
/** Tries a plugin of the first Kplug's protocol. Rejects with a `CommandError` when only an address is given and none answers. */
export declare function conformV0(
  address: string,
  { manifests, kind, timeout, only }: ConformPluginOptions,
  life: Life | undefined,
): Promise<Report>;
