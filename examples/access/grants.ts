import { ApiException, KubeConfig, RbacAuthorizationV1Api, type V1RoleBinding } from '@kubernetes/client-node';

const rbac = 'rbac.authorization.k8s.io';

/** Creates and deletes the RoleBindings that grant access, with the plugin's own ServiceAccount. */
export class Grants {
  readonly #api: RbacAuthorizationV1Api;

  constructor(kubeConfig = defaultKubeConfig()) {
    this.#api = kubeConfig.makeApiClient(RbacAuthorizationV1Api);
  }

  /** Grants a role to a user. Returns false if it was granted already. */
  async grant(namespace: string, request: string, { user, role }: { user: string; role: string }): Promise<boolean> {
    const name = nameOf(request);
    const wanted: V1RoleBinding = {
      metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'access-plugin' } },
      // The role of a binding is immutable; for another role the binding is replaced.
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: rbac, kind: 'User', name: user }],
    };
    const present = await this.#find(namespace, name);
    if (present?.roleRef.name === role && present.subjects?.[0]?.name === user) return false;
    if (present) await this.revoke(namespace, request);
    await this.#api.createNamespacedRoleBinding({ namespace, body: wanted });
    return true;
  }

  /** Revokes access. Returns false if there was none. */
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
