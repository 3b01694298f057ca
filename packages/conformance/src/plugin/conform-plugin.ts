import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { getInfo, type Manifest } from '@kplug/controller';
import { type GetInfoResponse, GetInfoResponseSchema, isServiceError, quietGrpc } from '@kplug/protocol';
import { CommandError } from '../../../cli/src/command-error.ts';
import type { Report } from '../report.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { runRequirements, selectRequirements } from '../run-requirements.ts';
import { conformV0 } from '../v0/conform-v0.ts';
import { v0Requirements } from '../v0/requirements.ts';
import { describeAnswer } from './describe-answer.ts';
import { addressOf, Life, type Protocol } from './life.ts';
import { PluginUnderTest } from './plugin-under-test.ts';
import { pluginRequirements } from './requirements.ts';
import { sampleOf } from './sample.ts';

/** What a plugin is tried with. */
export interface ConformPluginOptions {
  /** Base and extensions; empty for a base with an empty spec. */
  manifests: readonly Manifest[];
  /** The base's kind, where it isn't clear. */
  kind?: string | undefined;
  /**
   * The protocol that the plugin speaks. Default: that in which a plugin that is started beats, and `kplug.v1` at an address,
   * from which it can't be seen.
   */
  protocol?: Protocol | undefined;
  /** How long a call may take, in milliseconds. */
  timeout: number;
  /** The interval at which a plugin that is started is told to beat, in milliseconds. */
  interval: number;
  /** The numbers of the requirements to try. Default: all. */
  only?: readonly string[] | undefined;
}

/** Tries a plugin that runs already. Rejects with a `CommandError` when none answers. */
export async function conformAddress(address: string, options: ConformPluginOptions): Promise<Report> {
  quietGrpc();
  if (options.protocol === 'kplug') return conformV0(address, options, undefined);
  const info = await getInfo(address).catch((cause: unknown) => {
    const isOther = isServiceError(cause) && cause.code === grpc.status.UNIMPLEMENTED;
    const advice = isOther
      ? "if it is a plugin of the first Kplug's protocol, say --protocol kplug"
      : 'start it, or name another address';
    const message = `no plugin answers at ${address}: ${describeAnswer(cause)}; ${advice}`;
    throw new CommandError('unreachable', message, { cause });
  });
  return tryPlugin(address, info, options, undefined);
}

/** Starts a command as a plugin, and tries it. Rejects with a `CommandError` when there is no such program. */
export async function conformCommand(command: readonly string[], options: ConformPluginOptions): Promise<Report> {
  const { interval, protocol } = options;
  await using life = await Life.start({ command, interval, protocol });
  const spoken = await life.protocol();
  if (spoken === 'kplug') {
    const address = life.registry.v0Beats[0]?.information.address ?? '';
    return await conformV0(address, options, life);
  }
  const heard = spoken && (await life.registration());
  if (!heard?.registration) return await unregistered(command, life, options);
  const { plugin, version, apis, instanceId } = heard.registration;
  // One that doesn't answer fails what is about that; the rest is tried with what it registered.
  const info = await getInfo(addressOf(heard)).catch(() => undefined);
  const said = info ?? create(GetInfoResponseSchema, { plugin, version, apis, instanceId });
  return await tryPlugin(addressOf(heard), said, options, life, info !== undefined);
}

async function tryPlugin(
  address: string,
  info: GetInfoResponse,
  { manifests, kind, timeout, only }: ConformPluginOptions,
  life: Life | undefined,
  isReached = true,
): Promise<Report> {
  const sample = sampleOf(manifests, info, kind);
  using plugin = new PluginUnderTest({ address, info, sample, timeout, life, isReached });
  const verdicts = await runRequirements(selectRequirements(pluginRequirements, only), plugin);
  return { subject: `${info.plugin} ${info.version} at ${address}`, verdicts };
}

async function unregistered(
  command: readonly string[],
  { process }: Life,
  { protocol, only }: ConformPluginOptions,
): Promise<Report> {
  const [first, all] = protocol === 'kplug' ? ['F1', v0Requirements] : ['P1', pluginRequirements];
  const output = process.output.trim().slice(-500);
  const ending = process.ending === undefined ? 'it runs and did not register' : `it ended with ${process.ending}`;
  const named = all.map(({ number, level, title }): Requirement<undefined> => {
    const isFirst = number === first && level === 'MUST';
    const error = isFirst
      ? new NotMet(`${ending}; its output: ${output || 'nothing'}`, 'a registration')
      : new NotTried(`it did not register; see ${first}`);
    return { number, level, title, check: () => Promise.reject(error) };
  });
  const requirements = selectRequirements(named, only);
  return { subject: command.join(' '), verdicts: await runRequirements(requirements, undefined) };
}
