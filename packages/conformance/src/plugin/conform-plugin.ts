import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { getInfo } from '@kplug/controller/tools';
import { type GetInfoResponse, GetInfoResponseSchema, isServiceError, quietGrpc } from '@kplug/protocol';
import { ConformanceError } from '../errors.ts';
import type { ConformPluginOptions } from '../options.ts';
import type { Report } from '../report.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { runRequirements, selectRequirements } from '../run-requirements.ts';
import { conformV0 } from '../v0/conform-v0.ts';
import { v0Requirements } from '../v0/requirements.ts';
import { describeAnswer } from './describe-answer.ts';
import { addressOf, PluginRun } from './plugin-run.ts';
import { PluginUnderTest } from './plugin-under-test.ts';
import { pluginRequirements } from './requirements.ts';
import { sampleOf } from './sample.ts';

/** Runs the plugin suite on a running plugin. Rejects with a `ConformanceError` when none answers. */
export async function conformAddress(address: string, options: ConformPluginOptions): Promise<Report> {
  quietGrpc();
  if (options.protocol === 'kplug') return conformV0(address, options, undefined);
  const info = await getInfo(address).catch((cause: unknown) => {
    const isOther = isServiceError(cause) && cause.code === grpc.status.UNIMPLEMENTED;
    const advice = isOther
      ? "for a plugin of the first Kplug's protocol, give --protocol kplug"
      : 'start it, or give another address';
    const message = `no plugin answers at ${address}: ${describeAnswer(cause)}; ${advice}`;
    throw new ConformanceError('Unreachable', message, { cause });
  });
  return checkPlugin(address, info, options, undefined);
}

/** Starts a command as a plugin and runs the plugin suite on it. Rejects with a `ConformanceError` when it cannot be started. */
export async function conformCommand(command: readonly string[], options: ConformPluginOptions): Promise<Report> {
  const { interval, protocol, times } = options;
  await using run = await PluginRun.start({ command, interval, protocol, times });
  const spoken = await run.protocol();
  if (spoken === 'kplug') {
    const address = run.registry.v0Heartbeats[0]?.information.address ?? '';
    return await conformV0(address, options, run);
  }
  const registered = spoken && (await run.registration());
  if (!registered?.registration) return await reportUnregistered(command, run, options);
  const { plugin, version, apis, instanceId } = registered.registration;
  // Without an answer, the requirement about GetInfo fails and the others are checked with the registration.
  const info = await getInfo(addressOf(registered)).catch(() => undefined);
  const assumed = info ?? create(GetInfoResponseSchema, { plugin, version, apis, instanceId });
  return await checkPlugin(addressOf(registered), assumed, options, run, info !== undefined);
}

async function checkPlugin(
  address: string,
  info: GetInfoResponse,
  { manifests, kind, timeout, only }: ConformPluginOptions,
  run: PluginRun | undefined,
  isReached = true,
): Promise<Report> {
  const sample = sampleOf(manifests, info, kind);
  using plugin = new PluginUnderTest({ address, info, sample, timeout, run, isReached });
  const verdicts = await runRequirements(selectRequirements(pluginRequirements, only), plugin);
  return { subject: `${info.plugin} ${info.version} at ${address}`, verdicts };
}

async function reportUnregistered(
  command: readonly string[],
  { process }: PluginRun,
  { protocol, only }: ConformPluginOptions,
): Promise<Report> {
  const [first, all] = protocol === 'kplug' ? ['F1', v0Requirements] : ['P1', pluginRequirements];
  const output = process.output.trim().slice(-500);
  const state = process.exit === undefined ? 'it runs and did not register' : `it exited with ${process.exit}`;
  const failing = all.map(({ number, level, title }): Requirement<undefined> => {
    const isFirst = number === first && level === 'MUST';
    const error = isFirst
      ? new NotMet(`${state}; its output: ${output || 'none'}`, 'a registration')
      : new NotTried(`it did not register; see ${first}`);
    return { number, level, title, check: () => Promise.reject(error) };
  });
  const requirements = selectRequirements(failing, only);
  return { subject: command.join(' '), verdicts: await runRequirements(requirements, undefined) };
}
