/** Right that RBAC grants. */
export interface Right {
  /** API group; empty for the core group. */
  group: string;
  /** Plural name of the resource, with a subresource after a slash. */
  resource: string;
  verbs: readonly string[];
  /** Missing for all namespaces. */
  namespace: string | undefined;
  /** Name of the object. Missing for all objects. */
  name?: string | undefined;
}

/** Describes a missing right and the rule that would grant it. */
export function missingRule({ group, resource, verbs, namespace, name }: Right): string {
  const where = namespace ? `in the namespace ${namespace}` : 'in all namespaces';
  const role = namespace ? `a Role in ${namespace}` : 'a ClusterRole';
  const rule = `apiGroups: ["${group}"], resources: ["${resource}"],${name ? ` resourceNames: ["${name}"],` : ''} verbs: [${verbs.map((verb) => `"${verb}"`).join(', ')}]`;
  return `the operator may not ${verbs.join(' and ')} ${resource}${group && `.${group}`} ${where}; add to ${role} of its service account the rule { ${rule} }`;
}
