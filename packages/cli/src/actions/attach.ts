import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterReader, openClusterReader } from '@kplug/controller/tools';
import { messageOf } from '@kplug/protocol';
import { explainRefusal, explainUnreachable } from '../attach/attach-error.ts';
import { AttachmentObject, type AttachmentWish } from '../attach/attachment-object.ts';
import { LeaseKeeper } from '../attach/lease-keeper.ts';
import { findFreePort, LocalForward } from '../attach/local-forward.ts';
import { parseSelector } from '../attach/parse-selector.ts';
import { environmentOf, formatExports, unsetVariables } from '../attach/plugin-environment.ts';
import { AttachmentReport } from '../attach/report.ts';
import { RunningCommand } from '../attach/run-command.ts';
import { TunnelClient } from '../attach/tunnel-client.ts';
import { Cleanup } from '../cleanup.ts';
import { CommandError } from '../command-error.ts';
import { interruption } from '../input/interruption.ts';
import { readDuration } from '../input/read-duration.ts';
import { type ClusterChoice, kubeConfigOf } from '../operator/cluster-choice.ts';
import { AttachableOperator } from '../operator/find-attachable-operator.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug attach`. */
export interface AttachOptions extends ClusterChoice {
  delegation: string;
  selector?: string;
  all?: boolean;
  namespace?: string;
  operatorNamespace?: string;
  lease: string;
}

/** gRPC code of a token that is not accepted. */
const unauthenticated = 16;

/** Takes resources of a cluster over with a plugin of this machine, until that ends. @param command program and arguments of the plugin */
export async function attach(command: readonly string[], options: AttachOptions, terminal: Terminal): Promise<void> {
  const selector = readSelector(options);
  const lease = readLease(options.lease);
  const reader = await openClusterReader(kubeConfigOf(options));
  await using cleanup = new Cleanup();
  cleanup.defer(() => reader.close());
  const namespace = options.namespace ?? reader.namespace;
  const { operator, ca } = await findOperator(reader, options.operatorNamespace);
  const folder = await mkdtemp(join(tmpdir(), 'kplug-attach-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const caFile = join(folder, 'ca.crt');
  await writeFile(caFile, ca);
  const interrupted = interruption();
  const wish = {
    namespace,
    delegation: options.delegation,
    selector,
    all: options.all ?? false,
    leaseSeconds: lease / 1_000,
  };
  const attachment = await create(reader, wish, operator.clusterRole);
  cleanup.defer(() => handBack(attachment, terminal));

  const forward = cleanup.use(new LocalForward(() => operator.connect()));
  await forward.listen();
  const pluginPort = await findFreePort();
  const report = new AttachmentReport(terminal);
  const opened = Promise.withResolvers<void>();
  const tunnel = new TunnelClient({
    ...{ operatorPort: forward.port, pluginPort, ca, attachment: attachment.key, token: attachment.token },
    onNotice: ({ resource, message }) => report.note(resource, message),
    onOpen: opened.resolve,
    onBroken: onBrokenOf(forward, terminal),
  });
  cleanup.defer(() => tunnel.close());
  tunnel.open();
  const ending = new AbortController();
  cleanup.defer(() => ending.abort());
  const keeper = new LeaseKeeper(attachment, { lease, report, terminal });
  const kept = keeper.run(ending.signal);
  const stopped = new Promise<void>((resolve) =>
    interrupted.addEventListener('abort', () => resolve(), { once: true }),
  );
  kept.catch(() => undefined);
  await Promise.race([opened.promise, kept, stopped]);
  if (interrupted.aborted) return;

  const variables = environmentOf({
    operatorPort: forward.port,
    pluginPort,
    caFile,
    token: attachment.token,
    attachment: attachment.key,
  });
  const ends: Promise<unknown>[] = [kept, stopped];
  if (command.length > 0) {
    const running = new RunningCommand(command, childEnvironment(variables));
    cleanup.defer(() => running.stop());
    ends.push(running.ended.then((code) => failUnlessStopped(code, command, interrupted)));
  } else {
    terminal.print(formatExports(variables));
    terminal.say('Start the plugin with these variables in another shell. Ctrl-C here hands its resources back.');
  }
  await Promise.race(ends);
}

async function findOperator(reader: ClusterReader, namespace: string | undefined) {
  try {
    const operator = await AttachableOperator.find(reader, namespace);
    return { operator, ca: await operator.readCa() };
  } catch (error) {
    throw explainUnreachable(error);
  }
}

function readSelector({ selector, all = false }: AttachOptions) {
  const isGiven = selector !== undefined && selector.trim() !== '';
  if (isGiven && all)
    throw new CommandError('usage', '--all takes over every resource of the namespace; leave out --selector, or --all');
  if (!isGiven && !all) {
    throw new CommandError(
      'usage',
      'no resources are selected; add --selector, such as --selector owner=me, or --all for those of the namespace',
    );
  }
  return parseSelector(selector ?? '');
}

function readLease(text: string): number {
  const lease = readDuration(text, '--lease');
  if (lease >= 5_000 && lease <= 600_000 && lease % 1_000 === 0) return lease;
  throw new CommandError('usage', `--lease must be whole seconds from 5s to 10m, not ${text}`);
}

async function create(reader: ClusterReader, wish: Omit<AttachmentWish, 'user'>, clusterRole: string) {
  try {
    return await AttachmentObject.create(reader, { ...wish, user: (await reader.user()) || 'unknown' });
  } catch (error) {
    throw explainRefusal(error, wish.namespace, clusterRole);
  }
}

async function handBack(attachment: AttachmentObject, terminal: Terminal): Promise<void> {
  try {
    await attachment.remove();
    terminal.say(`handed back: the Attachment ${attachment.key} has ended`);
  } catch (error) {
    const message = `the Attachment ${attachment.key} was not deleted, and ends with its lease: ${messageOf(error)}`;
    terminal.say(`${terminal.errorColors.yellow('warning:')} ${message}`);
  }
}

/** Reports each failure of the tunnel once. */
function onBrokenOf(forward: LocalForward, { say, errorColors }: Terminal) {
  let last = '';
  return ({ code, message }: { code: number; message: string }) => {
    // The attachment may not be in effect yet.
    const reason = code === unauthenticated ? '' : forward.failure || message;
    if (reason !== '' && reason !== last)
      say(`${errorColors.yellow('warning:')} no connection to the operator: ${reason}; retrying`);
    last = reason;
  };
}

function childEnvironment(variables: Record<string, string>): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env };
  for (const name of unsetVariables) delete environment[name];
  return { ...environment, ...variables };
}

function failUnlessStopped(
  code: number | NodeJS.Signals,
  [program = '']: readonly string[],
  interrupted: AbortSignal,
): void {
  if (interrupted.aborted || code === 0) return;
  const how = typeof code === 'number' ? `exited with ${code}` : `was ended by ${code}`;
  throw new CommandError('failed', `the command ${program} ${how}; its resources are handed back`);
}
