import { ConformanceError } from '../errors.ts';
import type { ConformPluginOptions } from '../options.ts';
import type { PluginRun } from '../plugin/plugin-run.ts';
import { sampleOf } from '../plugin/sample.ts';
import type { Report } from '../report.ts';
import { runRequirements, selectRequirements } from '../run-requirements.ts';
import { v0Requirements } from './requirements.ts';
import { V0UnderTest } from './v0-under-test.ts';

/**
 * Runs the suite for plugins of the first Kplug's protocol. Rejects with a `ConformanceError` when only an address is given and
 * no plugin answers.
 */
export async function conformV0(
  address: string,
  { manifests, kind, timeout, only }: ConformPluginOptions,
  run: PluginRun | undefined,
): Promise<Report> {
  const requirements = selectRequirements(v0Requirements, only);
  const { name = '', version = '', api = '' } = run?.registry.v0Heartbeats[0]?.information ?? {};
  const sample = sampleOf(manifests, { plugin: name, apis: api ? [{ name: api, extensionKinds: [] }] : [] }, kind);
  using plugin = new V0UnderTest({ address, sample, timeout, run });
  if (!run && !(await plugin.isConnected())) {
    throw new ConformanceError('Unreachable', `no plugin answers at ${address}; start it, or give another address`);
  }
  const subject = [name, version].filter(Boolean).join(' ') || 'the plugin';
  return { subject: `${subject} at ${address}`, verdicts: await runRequirements(requirements, plugin) };
}
