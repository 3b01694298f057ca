import { CommandError } from '../../../cli/src/command-error.ts';
import type { ConformPluginOptions } from '../plugin/conform-plugin.ts';
import type { Life } from '../plugin/life.ts';
import { sampleOf } from '../plugin/sample.ts';
import type { Report } from '../report.ts';
import { runRequirements, selectRequirements } from '../run-requirements.ts';
import { v0Requirements } from './requirements.ts';
import { V0UnderTest } from './v0-under-test.ts';

/** Tries a plugin of the first Kplug's protocol. Rejects with a `CommandError` when only an address is given and none answers. */
export async function conformV0(
  address: string,
  { manifests, kind, timeout, only }: ConformPluginOptions,
  life: Life | undefined,
): Promise<Report> {
  const requirements = selectRequirements(v0Requirements, only);
  const { name = '', version = '', api = '' } = life?.registry.v0Beats[0]?.information ?? {};
  const sample = sampleOf(manifests, { plugin: name, apis: api ? [{ name: api, extensionKinds: [] }] : [] }, kind);
  using plugin = new V0UnderTest({ address, sample, timeout, life });
  if (!life && !(await plugin.isConnected())) {
    throw new CommandError('unreachable', `no plugin answers at ${address}; start it, or name another address`);
  }
  const who = [name, version].filter(Boolean).join(' ') || 'the plugin';
  return { subject: `${who} at ${address}`, verdicts: await runRequirements(requirements, plugin) };
}
