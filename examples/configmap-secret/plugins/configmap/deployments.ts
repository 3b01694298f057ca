import {
  AppsV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Deployment,
  type V1PodSpec,
} from '@kubernetes/client-node';

/** Annotation of a pod template that changes with a ConfigMap, so that its pods are replaced. */
const annotationOf = (configMap: string) => `rolls.example.org/${configMap}`;

/** Deployments of the cluster that use ConfigMaps. */
export class Deployments {
  readonly #api: AppsV1Api;

  constructor() {
    const kubeConfig = new KubeConfig();
    // The operator sets KUBECONFIG to a file with a token of the ServiceAccount in plugin.yaml.
    kubeConfig.loadFromDefault();
    this.#api = kubeConfig.makeApiClient(AppsV1Api);
  }

  /** Rolls out the Deployments of a namespace that use a ConfigMap. Reports for each whether its pods had to be replaced. */
  async roll(namespace: string, configMap: string, hash: string): Promise<{ name: string; rolled: boolean }[]> {
    const { items } = await this.#api.listNamespacedDeployment({ namespace });
    const users = items.filter(({ spec }) => uses(spec?.template.spec, configMap));
    return Promise.all(
      users.map(async (user) => ({ name: nameOf(user), rolled: await this.#annotate(user, configMap, hash) })),
    );
  }

  async #annotate(deployment: V1Deployment, configMap: string, hash: string): Promise<boolean> {
    const annotation = annotationOf(configMap);
    const { metadata, spec } = deployment;
    if (spec?.template.metadata?.annotations?.[annotation] === hash) return false;
    const body = { spec: { template: { metadata: { annotations: { [annotation]: hash } } } } };
    const where = { name: nameOf(deployment), namespace: metadata?.namespace ?? '', body };
    await this.#api.patchNamespacedDeployment(where, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    return true;
  }
}

function nameOf({ metadata }: V1Deployment): string {
  return metadata?.name ?? '';
}

/** Reports whether a pod uses a ConfigMap, for variables or files. */
function uses(pod: V1PodSpec | undefined, configMap: string): boolean {
  const containers = [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])];
  const names = [
    ...containers.flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef?.name)),
    ...containers.flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name)),
    ...(pod?.volumes ?? []).map((volume) => volume.configMap?.name),
    ...(pod?.volumes ?? []).flatMap(({ projected }) =>
      (projected?.sources ?? []).map((source) => source.configMap?.name),
    ),
  ];
  return names.includes(configMap);
}
