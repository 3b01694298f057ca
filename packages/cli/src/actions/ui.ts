import { type ClusterReader, openClusterReader } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { interruption } from '../input/interruption.ts';
import { readResourceName } from '../input/resource-name.ts';
import { AdminClient } from '../operator/admin-client.ts';
import { kubeConfigOf, meansCluster } from '../operator/cluster-choice.ts';
import { findOperator } from '../operator/find-operator.ts';
import type { OperatorChoice, OperatorPlace } from '../operator/operator-place.ts';
import type { Terminal } from '../output/terminal.ts';
import { checkPage } from '../ui/check-page.ts';
import { LeadingOperator } from '../ui/leading-operator.ts';
import { openBrowser } from '../ui/open-browser.ts';
import { PageServer } from '../ui/page-server.ts';
import { screenOf } from '../ui/screen.ts';
import type { Upstream } from '../ui/upstream.ts';

/** Options of `kplug ui`. */
export interface UiOptions extends OperatorChoice {
  namespace?: string;
  /** False to print the URL only. */
  open: boolean;
  port?: string;
  allowActions?: boolean;
}

/** Ports to try without `--port`: the same one if it is free, as browsers keep what a page saves by its port, else any. */
const defaultPorts = [8083, 0];

/** Opens the page of an operator in the browser. @param target `KIND/NAME` of the resource to show */
export async function ui(target: string | undefined, options: UiOptions, terminal: Terminal): Promise<void> {
  const ports = readPorts(options.port);
  if (meansCluster(options) && options.admin === undefined) return showCluster(target, ports, options, terminal);
  if (options.allowActions) throw new CommandError('usage', '--allow-actions is for an operator of a cluster');
  const place = await findOperator(options);
  await checkPage(place);
  const screen = await screenAt(place, target, options);
  const { headers, tls } = place.connection ?? {};
  // A browser has neither the token nor the CA for a port of another machine.
  if (headers || tls) return serve(fixed(place), { ...place, screen, ports }, options, terminal);
  await show(`${place.url}/${screen}`, options, terminal);
}

async function showCluster(
  target: string | undefined,
  ports: readonly number[],
  options: UiOptions,
  terminal: Terminal,
): Promise<void> {
  const reader = await openClusterReader(kubeConfigOf(options));
  const upstream = await LeadingOperator.find(reader, options.operatorNamespace, (message) => terminal.say(message));
  try {
    const { signal: _, ...found } = await upstream.current();
    const place = { ...found, origin: upstream.description, namespace: reader.namespace };
    await checkPage(place);
    const screen = await screenAt(place, target, options);
    const authorization = options.allowActions ? await authorizationOf(reader) : undefined;
    await serve(upstream, { ...place, screen, ports, authorization }, options, terminal);
  } finally {
    await upstream[Symbol.asyncDispose]();
  }
}

/** Page to serve on this machine. */
interface ServedPage {
  origin: string;
  screen: string;
  ports: readonly number[];
  authorization?: (() => Promise<string | undefined>) | undefined;
}

/** Serves the page until the command is interrupted. */
async function serve(
  upstream: Upstream,
  { origin, screen, ports, authorization }: ServedPage,
  options: UiOptions,
  terminal: Terminal,
): Promise<void> {
  const interrupted = interruption();
  await using server = new PageServer(upstream, authorization);
  await server.listen(ports);
  await show(`${server.url}${screen}`, options, terminal);
  terminal.say(`This is the operator of ${origin}. Who has the URL can read it. Press Ctrl-C to end.`);
  await new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
}

async function show(url: string, { open }: UiOptions, terminal: Terminal): Promise<void> {
  terminal.print(url);
  if (open) await openBrowser(url, (text) => terminal.say(text));
}

async function screenAt(place: OperatorPlace, target: string | undefined, options: UiOptions): Promise<string> {
  if (target === undefined) return '';
  const { kind, name } = readResourceName(target);
  if (!name) throw new CommandError('usage', `"${target}" has no name; write KIND/NAME, such as DatabaseTable/users`);
  const client = new AdminClient(place);
  const { resource } = await client.explain({ kind, namespace: options.namespace ?? client.namespace, name });
  return screenOf(resource?.key ?? '');
}

/** Returns what reads the token of the kubeconfig, which may be renewed. */
async function authorizationOf(reader: ClusterReader): Promise<() => Promise<string | undefined>> {
  if ((await reader.authorization())?.startsWith('Bearer ')) return () => reader.authorization();
  throw new CommandError(
    'usage',
    "--allow-actions sends the operator the token of the kubeconfig's user, which has none; select a user with a token",
  );
}

function fixed(place: OperatorPlace): Upstream {
  return { current: async () => place, failed: () => undefined };
}

function readPorts(text: string | undefined): readonly number[] {
  if (text === undefined) return defaultPorts;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return [port];
  throw new CommandError('usage', `--port must be a number from 0 to 65535, not ${text}`);
}
