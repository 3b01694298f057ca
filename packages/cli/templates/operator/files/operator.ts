import { Controller, type ControllerOptions, type DelegationDeclaration } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { openKubernetes } from '@kplug/controller/kubernetes';
import { type Logger, pino } from 'pino';

/** Kinds that plugins reconcile, with the API that they implement. */
export const delegations: DelegationDeclaration[] = [
  {
    name: '__PLURAL__',
    base: { apiVersion: '__GROUP__/v1alpha1', kind: '__KIND__' },
    api: '__API__@^__API_VERSION__',
    // Its plugins create nothing outside of the status.
    finalize: { needed: false },
  },
];

type PlaceOptions = Pick<ControllerOptions, 'resources'> & Partial<ControllerOptions>;

/** Options of an operator on the manifests in a directory. Plugins run on the same machine. */
async function onDirectory(directory: string, logger: Logger): Promise<PlaceOptions> {
  return { resources: await openDirectory({ directory, logger }) };
}

/** Options of an operator on a cluster. Plugins reach its Service by TLS, and prove their identities. One of the replicas leads. */
async function onCluster(name: string, logger: Logger): Promise<PlaceOptions> {
  const leaderElection = { leaseName: name };
  return {
    resources: await openKubernetes({ logger, leaderElection, certificates: { name } }),
    heartbeatAddress: ':50050',
    security: { serviceName: name },
    metricsAddress: ':8080',
    probeAddress: ':8081',
  };
}

// A test imports the delegations without an operator that runs.
if (import.meta.main) {
  const [directory] = process.argv.slice(2);
  const logger = pino();
  const place = directory === undefined ? onCluster('__SLUG__', logger) : onDirectory(directory, logger);
  const controller = new Controller({ delegations, logger, ...(await place) });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void controller.stop());
  await controller.start();
  // Rejects when another replica leads instead, so that the process ends.
  await controller.ended;
}
