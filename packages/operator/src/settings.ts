import type { z } from 'zod';
import { choice, count, type Setting, text, texts, time, toggle } from './setting.ts';

/**
 * Everything that can be set of an operator, by the name of its field in the configuration file. The flags, the variables, the
 * help and `docs/operator-configuration.md` are made from this.
 */
export const settings = {
  manifests: text({
    flags: ['manifests'],
    placeholder: 'dir',
    description: 'the directory of manifests to run on',
    fallback: 'none, but a cluster',
    group: 'Resources',
  }),
  kubeconfig: text({
    flags: ['kubeconfig'],
    placeholder: 'file',
    description: 'how to reach the cluster',
    fallback: 'as kubectl does, or as a pod',
    group: 'Resources',
  }),
  context: text({
    flags: ['context'],
    placeholder: 'name',
    description: "the kubeconfig's context",
    fallback: 'its current one',
    group: 'Resources',
  }),
  namespaces: texts({
    flags: ['namespace'],
    short: 'n',
    placeholder: 'namespace',
    description: 'only these namespaces of the cluster',
    fallback: 'all',
    group: 'Resources',
  }),
  followDelegations: toggle({
    flags: ['follow-delegations'],
    description: 'take Delegation resources, beside the delegations of the configuration file',
    fallback: 'true',
    group: 'Delegations',
  }),
  operatorName: text({
    flags: ['operator-name'],
    placeholder: 'name',
    description:
      'which of several operators this is: it takes Delegation resources with the label kplug.dev/operator: NAME',
    fallback: 'none: it takes those without that label',
    group: 'Delegations',
  }),
  concurrency: count({
    flags: ['concurrency'],
    placeholder: 'number',
    max: 10_000,
    description: 'how many resources of a delegation are reconciled at once, unless it says otherwise itself',
    fallback: '32',
    group: 'Delegations',
  }),
  pluginsDir: text({
    flags: ['plugins-dir', 'plugin-folder'],
    placeholder: 'dir',
    description: 'the folder whose files are run as plugins, as soon as there is such a folder',
    fallback: './plugins',
    group: 'Plugins',
  }),
  plugins: texts({
    flags: ['plugins'],
    placeholder: 'plugin',
    description:
      'plugins to download into that folder, as <org>/<repository>@<release>, with #sha256:<hex> to check them',
    fallback: 'none',
    group: 'Plugins',
  }),
  pluginsBaseUrl: text({
    flags: ['plugins-base-url'],
    placeholder: 'url',
    description: 'where they are downloaded from',
    fallback: 'https://github.com',
    group: 'Plugins',
  }),
  pluginNamespaces: texts({
    flags: ['plugin-namespace'],
    placeholder: 'namespace',
    description: "where on the cluster plugins that don't beat may be declared, beside the operator's own namespace",
    fallback: 'nowhere else',
    group: 'Plugins',
  }),
  pluginsNamePattern: text({
    flags: ['plugins-name-pattern'],
    placeholder: 'name',
    description: "the archives' name, with {os} and {arch}; one without the arch is looked for as well",
    fallback: 'kplug_plugin_{os}_{arch}.tar.gz',
    group: 'Plugins',
  }),
  heartbeatInterval: time({
    flags: ['heartbeat-interval'],
    description: "how often plugins beat that don't ask for another interval",
    fallback: '5s',
    group: 'Plugins',
  }),
  ttl: time({
    flags: ['ttl'],
    description: 'how long a plugin is believed without a beat',
    fallback: 'three intervals',
    group: 'Plugins',
  }),
  allowInsecurePlugins: toggle({
    flags: ['allow-insecure-plugins'],
    description: 'take plugins of the first Kplug: its protocol is plain text, and nothing proves who beats or answers',
    fallback: 'false',
    group: 'Plugins',
  }),
  grpcBindAddress: text({
    flags: ['grpc-bind-address'],
    placeholder: 'address',
    description: 'where plugins beat to; :0 takes a free port, here and below',
    fallback: ':50050',
    group: 'Ports',
  }),
  metricsAddr: text({
    flags: ['metrics-addr', 'metrics-bind-address'],
    placeholder: 'address',
    description: 'where /metrics is, or 0 for nowhere',
    fallback: ':8080 on a cluster, 0 on a directory',
    group: 'Ports',
  }),
  healthProbeBindAddress: text({
    flags: ['health-probe-bind-address'],
    placeholder: 'address',
    description: 'where /healthz and /readyz are, or 0 for nowhere',
    fallback: ':8081 on a cluster, 0 on a directory',
    group: 'Ports',
  }),
  adminBindAddress: text({
    flags: ['admin-bind-address'],
    placeholder: 'address',
    description: 'where the kplug command asks, with metrics and probes as well, or 0 for nowhere',
    fallback: '127.0.0.1:8082',
    group: 'Ports',
  }),
  enableLeaderElection: toggle({
    flags: ['enable-leader-election', 'leader-elect'],
    description: 'of several operators, let only the one that holds a Lease work',
    fallback: 'false',
    group: 'Leader election',
  }),
  leaderElectionLeaseName: text({
    flags: ['leader-election-lease-name'],
    placeholder: 'name',
    description: 'the name of the Lease',
    fallback: 'kplug',
    group: 'Leader election',
  }),
  leaderElectionNamespace: text({
    flags: ['leader-election-namespace'],
    placeholder: 'namespace',
    description: "the operator's own namespace, where its Lease and the Plugin resources are",
    fallback: "its pod's, or the context's",
    group: 'Leader election',
  }),
  leaderElectionLeaseDuration: time({
    flags: ['leader-election-lease-duration'],
    description: 'how long the others wait for a silent leader',
    fallback: '15s',
    group: 'Leader election',
  }),
  leaderElectionRenewDeadline: time({
    flags: ['leader-election-renew-deadline'],
    description: 'how long a leader works without renewing',
    fallback: '10s',
    group: 'Leader election',
  }),
  leaderElectionRetryPeriod: time({
    flags: ['leader-election-retry-period'],
    description: 'how long between two tries',
    fallback: '2s',
    group: 'Leader election',
  }),
  logLevel: choice({
    flags: ['log-level'],
    placeholder: 'level',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    description: 'the least that is logged',
    fallback: 'info',
    group: 'Logs',
  }),
  logFormat: choice({
    flags: ['log-format'],
    placeholder: 'format',
    choices: ['text', 'json'],
    description: 'how is logged, on standard error',
    fallback: 'text',
    group: 'Logs',
  }),
} satisfies Record<string, Setting>;

/** The name of a setting. */
export type SettingName = keyof typeof settings;

/** What was set of an operator; what is missing was left to its default. */
export type SettingValues = { [N in SettingName]?: z.output<(typeof settings)[N]['schema']> };

/** All settings with their names, in the order in which people are told of them. */
export const allSettings = Object.entries(settings) as unknown as readonly (readonly [SettingName, Setting])[];
