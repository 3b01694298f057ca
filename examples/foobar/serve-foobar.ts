import { once } from 'node:events';
import { createServer } from 'node:http';
import { type Controller, KplugError } from '@kplug/controller';
import { bar, foo } from './apis.ts';

/** Serves `/foos` and `/bars` over HTTP by calling plugins. Returns a function that stops the server. */
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

const routes: Record<string, (controller: Controller, given: URLSearchParams) => Promise<object>> = {
  '/foos': callFoo,
  '/bars': callBars,
};

async function answer(
  controller: Controller,
  { pathname, searchParams }: URL,
): Promise<{ status: number; content: object }> {
  const call = routes[pathname];
  if (!call) return { status: 404, content: { error: `not found; try ${Object.keys(routes).join(' or ')}` } };
  try {
    return { status: 200, content: await call(controller, searchParams) };
  } catch (error) {
    const isUnavailable = error instanceof KplugError && error.code === 'PluginUnavailable';
    return { status: isUnavailable ? 503 : 502, content: { error: (error as Error).message } };
  }
}

/** Calls the preferred plugin, or a fallback, for a foo. */
async function callFoo(controller: Controller, given: URLSearchParams): Promise<object> {
  const prefer = given.get('prefer');
  const length = Number(given.get('length') ?? 3);
  const { output, plugin, why } = await controller.call(foo, 'foos', { length }, prefer ? { prefer } : {});
  return { foo: output.foo, plugin, why };
}

/** Calls all plugins for their bars. */
async function callBars(controller: Controller, given: URLSearchParams): Promise<object> {
  const count = Number(given.get('count') ?? 2);
  const bars = controller.implementations(bar).map(async ({ plugin, version }) => {
    const only = { ...bar, fallback: 'none' } as const;
    const { output } = await controller.call(only, 'bars', { count }, { prefer: `${plugin}@${version}` });
    return [plugin, output.bars] as const;
  });
  return Object.fromEntries(await Promise.all(bars));
}
