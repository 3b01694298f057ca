import { ApiException, KubeConfig, RbacAuthorizationV1Api, type V1RoleBinding } from '@kubernetes/client-node';

const rbac = 'rbac.authorization.k8s.io';

/** The RoleBindings by which access is granted, with the rights of the plugin's own ServiceAccount. */
export class Grants {
  readonly #api: RbacAuthorizationV1Api;

  constructor(kubeConfig = defaultKubeConfig()) {
    this.#api = kubeConfig.makeApiClient(RbacAuthorizationV1Api);
  }

  /** Sees to it that a user has a role. Returns whether that had to be granted. */
  async grant(namespace: string, request: string, { user, role }: { user: string; role: string }): Promise<boolean> {
    const name = nameOf(request);
    const wanted: V1RoleBinding = {
      metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'access-plugin' } },
      // A binding's role can't be changed; another one takes its place.
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: rbac, kind: 'User', name: user }],
    };
    const present = await this.#find(namespace, name);
    if (present?.roleRef.name === role && present.subjects?.[0]?.name === user) return false;
    if (present) await this.revoke(namespace, request);
    await this.#api.createNamespacedRoleBinding({ namespace, body: wanted });
    return true;
  }

  /** Takes access back. Returns whether there was any. */
  async revoke(namespace: string, request: string): Promise<boolean> {
    try {
      await this.#api.deleteNamespacedRoleBinding({ namespace, name: nameOf(request) });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #find(namespace: string, name: string): Promise<V1RoleBinding | undefined> {
    try {
      return await this.#api.readNamespacedRoleBinding({ namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function defaultKubeConfig(): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  return kubeConfig;
}

function nameOf(request: string): string {
  return `access-${request}`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof ApiException && error.code === 404;
}
