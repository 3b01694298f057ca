import type { ClusterObject } from '@kplug/testing/control-plane';
import { beforeAll, describe, expect, it } from 'vitest';
import { helm, helmTimeout, render, valuesFiles } from './testing.ts';

const tables = {
  name: 'tables',
  base: { apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable' },
  api: 'DatabaseTable@^1.0.0',
  extensions: { kinds: [{ apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTableSqliteExtension' }] },
};

const onTables = [
  'get myorg.org/databasetables',
  'list myorg.org/databasetables',
  'watch myorg.org/databasetables',
  'patch myorg.org/databasetables',
  'patch myorg.org/databasetables/status',
  'update myorg.org/databasetables/finalizers',
  'get myorg.org/databasetablesqliteextensions',
  'list myorg.org/databasetablesqliteextensions',
  'watch myorg.org/databasetablesqliteextensions',
  'patch myorg.org/databasetablesqliteextensions/status',
  'create events.k8s.io/events',
  'patch events.k8s.io/events',
];

const onPlugins = [
  ...['get', 'list', 'watch', 'create', 'patch', 'delete'].map((verb) => `${verb} plugins.kplug.dev/plugins`),
  'patch plugins.kplug.dev/plugins/status',
  ...['get', 'list', 'watch'].map((verb) => `${verb} /services`),
  ...['get', 'list', 'watch'].map((verb) => `${verb} discovery.k8s.io/endpointslices`),
];

const onTls = [
  ...['get', 'update'].map((verb) => `${verb} /configmaps try-kplug-ca`),
  ...['get', 'update'].map((verb) => `${verb} /secrets try-kplug-tls`),
];

const onItself = [
  ...onTls,
  ...['get', 'list', 'watch', 'patch'].map((verb) => `${verb} /pods`),
  ...onPlugins,
  'create events.k8s.io/events',
  'patch events.k8s.io/events',
];

const onLeases = [
  'create coordination.k8s.io/leases',
  ...['get', 'update'].map((verb) => `${verb} coordination.k8s.io/leases try-kplug`),
];

const onReviews = ['create authentication.k8s.io/tokenreviews', 'create authorization.k8s.io/subjectaccessreviews'];

const onCatalogue = ['list', 'watch', 'create', 'patch', 'delete'].map(
  (verb) => `${verb} catalogue.kplug.dev/providedcapabilities`,
);

const onDelegations = [
  ...['get', 'list', 'watch', 'patch'].map((verb) => `${verb} delegations.kplug.dev/delegations`),
  'patch delegations.kplug.dev/delegations/status',
];

beforeAll(async () => void (await helm('version')), helmTimeout);

describe('the rights of the operator', () => {
  it('are exactly those that the delegations need, in all namespaces', async () => {
    expect(rightsIn(await render('kplug', { delegations: [tables] }, 'system'))).toEqual({
      'all namespaces': [...onTables, ...onCatalogue, ...onDelegations, ...onReviews].toSorted(),
      system: [...onItself, ...onLeases].toSorted(),
    });
  });

  it('are limited to the given namespaces', async () => {
    const values = { delegations: [tables], namespaces: ['team-a', 'team-b'] };
    expect(rightsIn(await render('kplug', values, 'system'))).toEqual({
      'team-a': onTables.toSorted(),
      'team-b': onTables.toSorted(),
      'all namespaces': [...onCatalogue, ...onDelegations, ...onReviews].toSorted(),
      system: [...onItself, ...onLeases].toSorted(),
    });
  });

  it('include the namespaces in which plugins may be declared, and no others', async () => {
    const values = { delegations: [tables], namespaces: ['team-a'], pluginNamespaces: ['team-b', 'system'] };
    expect(rightsIn(await render('kplug', values, 'system'))).toMatchObject({
      'team-a': onTables.toSorted(),
      'team-b': onPlugins.toSorted(),
      system: [...onItself, ...onLeases].toSorted(),
    });
  });

  it('include aggregated ClusterRoles of users who delegate, in the namespaces of the operator', async () => {
    const bindingsOf = async (values: object) => {
      const objects = await render('kplug', values, 'system');
      const aggregated = objects.find((object) => 'aggregationRule' in object);
      const bindings = objects.filter(
        ({ roleRef }) => (roleRef as { name?: string } | undefined)?.name === aggregated?.metadata.name,
      );
      return { rule: aggregated?.aggregationRule, where: bindings.map(({ metadata }) => metadata.namespace) };
    };
    const labelled = (value: string) => ({
      clusterRoleSelectors: [{ matchLabels: { 'kplug.dev/aggregate-to-operator': value } }],
    });
    expect(await bindingsOf({})).toEqual({ rule: labelled('true'), where: [undefined] });
    const blue = { delegationResources: { operatorName: 'blue' }, namespaces: ['a', 'b'] };
    expect(await bindingsOf(blue)).toEqual({ rule: labelled('blue'), where: ['a', 'b'] });
    const none = { delegations: [tables], delegationResources: { enabled: false } };
    expect(await bindingsOf(none)).toMatchObject({ rule: undefined });
    expect(rightsIn(await render('kplug', none, 'system'))['all namespaces']).toEqual(
      [...onTables, ...onCatalogue, ...onReviews].toSorted(),
    );
  });

  it('include the kinds of dependents, and no others', async () => {
    const keeping = { ...tables, dependents: { kinds: [{ apiVersion: 'apps/v1', kind: 'Deployment' }] } };
    const verbs = ['get', 'list', 'watch', 'create', 'patch', 'delete'];
    const rights = rightsIn(await render('kplug', { delegations: [keeping] }, 'system'))['all namespaces'];
    const onDeployments = verbs.map((verb) => `${verb} apps/deployments`);
    const others = ['list events.k8s.io/events', ...onCatalogue, ...onDelegations, ...onReviews];
    expect(rights).toEqual([...onTables, ...onDeployments, ...others].toSorted());
  });

  it('include the kinds that plugins may require, to be read only, also those that grant rights', async () => {
    const kinds = [{ apiVersion: 'v1', kind: 'Secret', namespaces: ['*'] }];
    const requiring = { ...tables, requirements: { kinds } };
    const rights = rightsIn(await render('kplug', { delegations: [requiring] }, 'system'))['all namespaces'];
    const onSecrets = ['get', 'list', 'watch'].map((verb) => `${verb} /secrets`);
    const others = [...onCatalogue, ...onDelegations, ...onReviews];
    expect(rights).toEqual([...onTables, ...onSecrets, ...others].toSorted());
  });

  it('include kinds of dependents that grant rights only if their delegation says so', async () => {
    const rightsWith = async (kinds: object[]) => {
      const objects = await render('kplug', { delegations: [{ ...tables, dependents: { kinds } }] }, 'system');
      return Object.values(rightsIn(objects)).flat();
    };
    const granting = [
      ['v1', 'Secret', '/secrets'],
      ['v1', 'ServiceAccount', '/serviceaccounts'],
      ['rbac.authorization.k8s.io/v1', 'RoleBinding', 'rbac.authorization.k8s.io/rolebindings'],
      ['certificates.k8s.io/v1', 'CertificateSigningRequest', 'certificates.k8s.io/certificatesigningrequests'],
      ['delegations.kplug.dev/v1alpha1', 'Plugin', 'delegations.kplug.dev/plugins'],
      ['bitnami.com/v1alpha1', 'SealedSecret', 'bitnami.com/sealedsecrets'],
    ].map(([apiVersion, kind, resource]) => ({ apiVersion, kind, resource }));
    const kinds = granting.map(({ apiVersion, kind }) => ({ apiVersion, kind }));
    const plain = { apiVersion: 'v1', kind: 'ConfigMap' };
    const [without, allowed] = [
      await rightsWith([plain, ...kinds]),
      await rightsWith([plain, ...kinds.map((kind) => ({ ...kind, allowPrivileged: true }))]),
    ];
    expect(without).toContain('create /configmaps');
    for (const { resource } of granting) {
      expect(without.filter((right) => right.endsWith(` ${resource}`))).toEqual([]);
      expect(allowed).toContain(`create ${resource}`);
    }
    expect(allowed.filter((right) => /\*|escalate|bind |impersonate|\/token( |$)/.test(right))).toEqual([]);
  });

  it('are rules with a known purpose each', async () => {
    const kinds = [
      { apiVersion: 'apps/v1', kind: 'Deployment' },
      { apiVersion: 'v1', kind: 'Secret', allowPrivileged: true },
    ];
    const everything = { delegations: [{ ...tables, dependents: { kinds } }], pluginNamespaces: ['plugins'] };
    const given = { delegations: [tables], tls: { secretName: 'operator-tls', caNamespaces: ['plugins'] } };
    const rendered = [everything, given, ...(await valuesFiles('kplug'))].map((values) =>
      render('kplug', values, 'system'),
    );
    const rules = new Set((await Promise.all(rendered)).flatMap(rulesIn));
    expect([...rules].filter((rule) => !purposes.some(([pattern]) => pattern.test(rule)))).toEqual([]);
    const unused = purposes.filter(([pattern]) => ![...rules].some((rule) => pattern.test(rule)));
    expect(unused.map(([, purpose]) => purpose)).toEqual([]);
  });

  it('include no Lease without leader election, and nothing when the chart makes no roles', async () => {
    const alone = { delegations: [tables], replicas: 1, leaderElection: { enabled: false } };
    expect(rightsIn(await render('kplug', alone, 'system')).system).toEqual(onItself.toSorted());
    expect(rightsIn(await render('kplug', { delegations: [tables], rbac: { create: false } }, 'system'))).toEqual({});
  });

  it('include the certificate of another program only to read, and the CA in the namespaces of plugins', async () => {
    const given = { delegations: [tables], tls: { secretName: 'operator-tls', caNamespaces: ['plugins'] } };
    const { system = [], plugins } = rightsIn(await render('kplug', given, 'system'));
    expect(system.filter((right) => right.includes('secrets'))).toEqual(['get /secrets operator-tls']);
    expect(plugins).toEqual(['get', 'update'].map((verb) => `${verb} /configmaps try-kplug-ca`));
  });

  it('let users read the catalogue: those with the role view, and by default all', async () => {
    const readersOf = async (values: object) => {
      const objects = await render('kplug', { delegations: [tables], ...values }, 'system');
      const role = objects.find(
        ({ kind, metadata }) => kind === 'ClusterRole' && /-catalogue-view$/.test(metadata.name),
      );
      expect(role?.metadata.labels).toMatchObject({ 'rbac.authorization.k8s.io/aggregate-to-view': 'true' });
      const bindings = objects.filter(
        ({ roleRef }) => (roleRef as { name?: string } | undefined)?.name === role?.metadata.name,
      );
      return bindings.flatMap(({ subjects }) => (subjects as { name: string }[]).map(({ name }) => name));
    };
    expect(await readersOf({})).toEqual(['system:authenticated']);
    expect(await readersOf({ catalogue: { readers: ['developers', 'ops'] } })).toEqual(['developers', 'ops']);
    expect(await readersOf({ catalogue: { readers: [] } })).toEqual([]);
  });

  it('use the plurals of kinds', async () => {
    const kinds = ['Policy', 'Gateway', 'Ingress', 'Box', 'Chassis', 'Greeting'];
    const delegations = kinds.map((kind) => ({
      name: kind.toLowerCase(),
      base: { apiVersion: 'other.org/v1', kind },
      api: kind,
    }));
    const objects = await render('kplug', { delegations, rbac: { plurals: { 'Chassis.other.org': 'chassis' } } });
    const rights = rightsIn(objects)['all namespaces']?.filter((right) => right.startsWith('list other.org/'));
    expect(rights).toEqual(
      ['boxes', 'chassis', 'gateways', 'greetings', 'ingresses', 'policies'].map((p) => `list other.org/${p}`),
    );
  });

  it('include no wildcard and no way to escalate', async () => {
    for (const file of await valuesFiles('kplug')) {
      const rights = Object.values(rightsIn(await render('kplug', file))).flat();
      expect(rights.length).toBeGreaterThan(10);
      expect(
        rights.filter((right) =>
          /\*|escalate|bind|impersonate|(list|watch|create|patch|delete) \/secrets|secrets$/.test(right),
        ),
      ).toEqual([]);
    }
  });
});

it('a plugin has no rights, and no token unless it is enabled', async () => {
  for (const file of await valuesFiles('kplug-plugin')) {
    const objects = await render('kplug-plugin', file);
    expect(objects.filter(({ kind }) => /Role/.test(kind))).toEqual([]);
  }
  const values = { image: { repository: 'plugin', tag: '1' }, controller: 'kplug:50050' };
  const account = (await render('kplug-plugin', values)).find(({ kind }) => kind === 'ServiceAccount');
  expect(account?.automountServiceAccountToken).toBe(false);
});

/**
 * Purpose of each rule that the chart may make, with its verbs, its resource and the end of the role's name. A new rule needs a row, and
 * a row in the table of `charts/kplug/README.md`.
 */
const purposes: readonly [rule: RegExp, purpose: string][] = [
  [
    /^get,list,watch,patch (myorg|other|example)\.org\/[a-z]+ -delegations$/,
    'reads bases, and sets their finalizers and annotations',
  ],
  [
    /^patch (myorg|other|example)\.org\/[a-z]+\/status -delegations$/,
    'writes the statuses of bases and listed extensions',
  ],
  [/^update (myorg|other|example)\.org\/[a-z]+\/finalizers -delegations$/, 'owns dependents by bases'],
  [/^get,list,watch (myorg|other)\.org\/[a-z]+ -delegations$/, 'reads listed extensions'],
  [/^get,list,watch,create,patch,delete apps\/deployments -delegations$/, 'applies listed kinds of dependents'],
  [
    /^get,list,watch,create,patch,delete \/secrets -delegations$/,
    'applies dependents that grant rights, as the delegation allows them',
  ],
  [/^get,create,patch,delete \/configmaps -delegations$/, 'rbac.extraRules of the test'],
  [/^create,patch events\.k8s\.io\/events (-delegations)?$/, 'records Events of bases and plugins'],
  [
    /^list events\.k8s\.io\/events -delegations$/,
    'reports the last Event about a dependent that does not become ready',
  ],
  [/^get,list,watch,patch \/pods $/, 'follows the pods of plugins, and labels the own pod of the leader'],
  [
    /^get,list,watch,create,patch,delete plugins\.kplug\.dev\/plugins (-plugins)?$/,
    'writes the known plugins as resources',
  ],
  [/^patch plugins\.kplug\.dev\/plugins\/status (-plugins)?$/, 'writes the statuses of plugins'],
  [/^get,list,watch \/services (-plugins)?$/, 'finds declared plugins behind Services'],
  [/^get,list,watch discovery\.k8s\.io\/endpointslices (-plugins)?$/, 'finds the endpoints of these Services'],
  [/^create coordination\.k8s\.io\/leases $/, 'creates the Lease of the leader, whose name RBAC cannot restrict'],
  [/^get,update coordination\.k8s\.io\/leases [a-z-]+ $/, 'renews the Lease of the leader, by its name'],
  [/^get,update \/secrets [a-z-]+-tls $/, 'keeps its CA and certificates in the Secret that the chart made'],
  [/^get \/secrets [a-z-]+ $/, 'reads its certificate, which another program renews'],
  [/^get,list,watch,delete attachments\.kplug\.dev\/attachments $/, 'follows attachments, and removes expired ones'],
  [/^patch attachments\.kplug\.dev\/attachments\/status $/, 'writes the statuses of attachments'],
  [
    /^get,list,watch,create,patch,delete attachments\.kplug\.dev\/attachments $/,
    'lets users attach plugins in namespaces in which it is bound',
  ],
  [/^get,list \/pods $/, 'lets these users find the operator'],
  [/^get,create \/pods\/portforward $/, 'lets these users reach its heartbeat port'],
  [/^get \/configmaps [a-z-]+-ca $/, 'lets these users verify its certificate'],
  [/^(get,list,watch \/pods|list \/services) -first-kplug$/, 'finds the pods of plugins of the first Kplug'],
  [/^get,update \/configmaps [a-z-]+-ca (-ca)?$/, 'publishes its CA in the ConfigMaps that the chart made'],
  [/^create authentication\.k8s\.io\/tokenreviews (-tokens)?$/, 'verifies tokens of plugins and readers'],
  [/^create authorization\.k8s\.io\/subjectaccessreviews $/, 'verifies the rights of readers of the admin port'],
  [/^get plugins\.kplug\.dev\/plugins\/admin $/, 'right of readers of the admin port, for users to bind'],
  [/^update plugins\.kplug\.dev\/plugins\/drain $/, 'right to drain instances, for users to bind'],
  [/^get,list,watch,patch delegations\.kplug\.dev\/delegations -delegations$/, 'follows Delegation resources'],
  [/^patch delegations\.kplug\.dev\/delegations\/status -delegations$/, 'writes their statuses'],
  [
    /^list,watch,create,patch,delete catalogue\.kplug\.dev\/providedcapabilities $/,
    'lists the capabilities that can be asked for',
  ],
  [/^get,list,watch catalogue\.kplug\.dev\/providedcapabilities $/, 'right of users to read that list'],
];

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/** Returns the rights of the operator's account by namespace. */
function rightsIn(objects: readonly ClusterObject[]): Record<string, string[]> {
  const rights: Record<string, string[]> = {};
  for (const binding of objects.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding')) {
    const { roleRef, subjects } = binding as unknown as {
      roleRef: { kind: string; name: string };
      subjects: { kind: string; name: string; namespace: string }[];
    };
    // The right of users to read the catalogue.
    if (subjects.some(({ kind }) => kind === 'Group')) continue;
    expect(subjects).toEqual([{ kind: 'ServiceAccount', name: expect.any(String), namespace: expect.any(String) }]);
    const { namespace } = binding.metadata;
    const role = objects.find(
      ({ kind, metadata }) =>
        kind === roleRef.kind && metadata.name === roleRef.name && metadata.namespace === namespace,
    );
    const where = namespace ?? 'all namespaces';
    rights[where] = [...(rights[where] ?? []), ...((role?.rules ?? []) as Rule[]).flatMap(flatten)].toSorted();
  }
  return rights;
}

/** Returns each rule of a role with its resource and the end of the role's name, as in `purposes`. */
function rulesIn(objects: readonly ClusterObject[]): string[] {
  return objects.flatMap(({ kind, metadata, rules }) => {
    if (kind !== 'Role' && kind !== 'ClusterRole') return [];
    const end = /-(delegations|plugins|first-kplug)$/.exec(metadata.name)?.[0] ?? '';
    return ((rules ?? []) as Rule[]).flatMap(({ apiGroups, resources, verbs, resourceNames = [] }) =>
      apiGroups.flatMap((group) =>
        resources.map((resource) => [verbs.join(), `${group}/${resource}`, ...resourceNames, end].join(' ')),
      ),
    );
  });
}

function flatten({ apiGroups, resources, verbs, resourceNames = [''] }: Rule): string[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) => resourceNames.map((name) => `${verb} ${group}/${resource} ${name}`.trim())),
    ),
  );
}
