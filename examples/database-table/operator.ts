import { Controller, type ControllerOptions } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { type Logger, pino } from 'pino';

/** Starts an operator that delegates the `DatabaseTable`s in a directory to plugins. */
export async function startOperator(
  directory: string,
  options: Partial<ControllerOptions> & { logger: Logger },
): Promise<Controller> {
  const controller = new Controller({
    resources: await openDirectory({ directory, logger: options.logger }),
    delegations: [
      {
        name: 'tables',
        base: { apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable' },
        api: 'DatabaseTable@^1.0.0',
      },
    ],
    ...options,
  });
  await controller.start();
  return controller;
}

if (import.meta.main) {
  const [directory = 'manifests'] = process.argv.slice(2);
  const operator = await startOperator(directory, { logger: pino() });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void operator.stop());
}
