import { once } from 'node:events';
import { createServer } from 'node:http';
import { type Controller, KplugError } from '@kplug/controller';
import { bar, foo } from './apis.ts';

/** Answers `/foos` and `/bars` over HTTP by asking plugins. Returns what stops it. */
export async function serveFoobar(controller: Controller, address: string): Promise<() => Promise<void>> {
  const server = createServer(async (request, response) => {
    const { status, content } = await answer(controller, new URL(request.url ?? '/', 'http://localhost'));
    response.statusCode = status;
    response.end(`${JSON.stringify(content)}\n`);
  });
  const [host, port] = address.split(/:(?=\d+$)/);
  server.listen(Number(port), host || undefined);
  await once(server, 'listening');
  return async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
}

const questions: Record<string, (controller: Controller, given: URLSearchParams) => Promise<object>> = {
  '/foos': askForFoo,
  '/bars': askForBars,
};

async function answer(
  controller: Controller,
  { pathname, searchParams }: URL,
): Promise<{ status: number; content: object }> {
  const ask = questions[pathname];
  if (!ask) return { status: 404, content: { error: `try ${Object.keys(questions).join(' or ')}` } };
  try {
    return { status: 200, content: await ask(controller, searchParams) };
  } catch (error) {
    const isAbsent = error instanceof KplugError && error.code === 'PluginUnavailable';
    return { status: isAbsent ? 503 : 502, content: { error: (error as Error).message } };
  }
}

/** One foo, of the plugin that is preferred or of another one. */
async function askForFoo(controller: Controller, given: URLSearchParams): Promise<object> {
  const prefer = given.get('prefer');
  const length = Number(given.get('length') ?? 3);
  const { output, plugin, why } = await controller.call(foo, 'foos', { length }, prefer ? { prefer } : {});
  return { foo: output.foo, plugin, why };
}

/** The bars of every plugin. */
async function askForBars(controller: Controller, given: URLSearchParams): Promise<object> {
  const count = Number(given.get('count') ?? 2);
  const bars = controller.implementations(bar).map(async ({ plugin, version }) => {
    const only = { ...bar, fallback: 'none' } as const;
    const { output } = await controller.call(only, 'bars', { count }, { prefer: `${plugin}@${version}` });
    return [plugin, output.bars] as const;
  });
  return Object.fromEntries(await Promise.all(bars));
}
