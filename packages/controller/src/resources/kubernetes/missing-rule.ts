/** A right that RBAC would give. */
export interface Right {
  /** Empty for the core group. */
  group: string;
  /** In the plural, with a subresource after a slash. */
  resource: string;
  verbs: readonly string[];
  /** Missing for all namespaces. */
  namespace: string | undefined;
  /** The only object that it is about. Missing for all. */
  name?: string | undefined;
}

/** What isn't allowed, and the rule that would allow it. */
export function missingRule({ group, resource, verbs, namespace, name }: Right): string {
  const where = namespace ? `in the namespace ${namespace}` : 'in all namespaces';
  const role = namespace ? `a Role in ${namespace}` : 'a ClusterRole';
  const rule = `apiGroups: ["${group}"], resources: ["${resource}"],${name ? ` resourceNames: ["${name}"],` : ''} verbs: [${verbs.map((verb) => `"${verb}"`).join(', ')}]`;
  return `the operator may not ${verbs.join(' and ')} ${resource}${group && `.${group}`} ${where}; add to ${role} of its service account the rule { ${rule} }`;
}
