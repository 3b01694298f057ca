import type { z } from 'zod';
import { choice, count, percentage, type Setting, text, texts, time, toggle } from './setting.ts';

/**
 * Settings of the operator, by the name of their field in the configuration file. Flags, environment variables, help and
 * `docs/operator-configuration.md` are generated from them.
 */
export const settings = {
  manifests: text({
    flags: ['manifests'],
    placeholder: 'dir',
    description: 'run on a directory of manifests instead of a cluster',
    fallback: 'none; uses the cluster',
    group: 'Resources',
  }),
  stateDir: text({
    flags: ['state-dir'],
    placeholder: 'dir',
    description:
      'folder for the states of the resources in a directory of manifests, such as one that is read-only or swapped',
    fallback: '.kplug in the directory of manifests',
    group: 'Resources',
  }),
  maxDeletions: percentage({
    flags: ['max-deletions'],
    description:
      'largest share of the resources of the directory that is deleted at once; the deletion of more waits for "kplug manifests confirm"; 100% disables it',
    fallback: '50%',
    group: 'Resources',
  }),
  maxDeletionsThreshold: count({
    flags: ['max-deletions-threshold'],
    placeholder: 'number',
    max: 1_000_000,
    description: 'number of resources of the directory from which --max-deletions applies',
    fallback: '10',
    group: 'Resources',
  }),
  kubeconfig: text({
    flags: ['kubeconfig'],
    placeholder: 'file',
    description: 'kubeconfig file of the cluster',
    fallback: 'as for kubectl, or the service account of the pod',
    group: 'Resources',
  }),
  context: text({
    flags: ['context'],
    placeholder: 'name',
    description: 'context of the kubeconfig',
    fallback: 'current context',
    group: 'Resources',
  }),
  namespaces: texts({
    flags: ['namespace'],
    short: 'n',
    placeholder: 'namespace',
    description: 'namespaces of the cluster to watch',
    fallback: 'all namespaces',
    group: 'Resources',
  }),
  followDelegations: toggle({
    flags: ['follow-delegations'],
    description: 'follow Delegation resources, in addition to the configuration file',
    fallback: 'true',
    group: 'Delegations',
  }),
  operatorName: text({
    flags: ['operator-name'],
    placeholder: 'name',
    description: 'name of this operator; it follows Delegation resources with the label kplug.dev/operator: NAME',
    fallback: 'none; follows those without the label',
    group: 'Delegations',
  }),
  attachments: toggle({
    flags: ['attachments'],
    description: 'follow Attachment resources, by which users take over resources with a plugin of their own machine',
    fallback: 'false',
    group: 'Delegations',
  }),
  concurrency: count({
    flags: ['concurrency'],
    placeholder: 'number',
    max: 10_000,
    description: 'maximum number of concurrent reconciles per delegation, unless the delegation sets its own',
    fallback: '32',
    group: 'Delegations',
  }),
  pluginsDir: text({
    flags: ['plugins-dir', 'plugin-folder'],
    placeholder: 'dir',
    description: 'folder whose files are run as plugins; may be created later',
    fallback: './plugins',
    group: 'Plugins',
  }),
  allowWritablePluginsDir: toggle({
    flags: ['allow-writable-plugins-dir'],
    description:
      'run plugins from a folder, or of files, that other users than root and that of the operator may change, such as those of a volume',
    fallback: 'false',
    group: 'Plugins',
  }),
  pluginsEnvironment: texts({
    flags: ['plugins-environment'],
    placeholder: 'name',
    description: "names of the operator's environment variables that plugins of that folder get, too",
    fallback: 'PATH, HOME, LANG, LC_ALL, TZ, TMPDIR',
    group: 'Plugins',
  }),
  plugins: texts({
    flags: ['plugins'],
    placeholder: 'plugin',
    description: 'plugins to download into that folder: <org>/<repository>@<release>, optionally with #sha256:<hex>',
    fallback: 'none',
    group: 'Plugins',
  }),
  pluginsBaseUrl: text({
    flags: ['plugins-base-url'],
    placeholder: 'url',
    description: 'base URL of plugin downloads; over http, items need a #sha256',
    fallback: 'https://github.com',
    group: 'Plugins',
  }),
  pluginNamespaces: texts({
    flags: ['plugin-namespace'],
    placeholder: 'namespace',
    description: 'additional namespaces in which plugins that send no heartbeats may be declared',
    fallback: "only the operator's own namespace",
    group: 'Plugins',
  }),
  pluginsNamePattern: text({
    flags: ['plugins-name-pattern'],
    placeholder: 'name',
    description: 'file name of plugin archives, with {os} and {arch}; the name without {arch} is tried, too',
    fallback: 'kplug_plugin_{os}_{arch}.tar.gz',
    group: 'Plugins',
  }),
  heartbeatInterval: time({
    flags: ['heartbeat-interval'],
    description: 'interval of heartbeats, for plugins that request none',
    fallback: '5s',
    group: 'Plugins',
  }),
  ttl: time({
    flags: ['ttl'],
    description: 'time without a heartbeat after which a plugin expires',
    fallback: 'three heartbeat intervals',
    group: 'Plugins',
  }),
  pluginNameRetention: time({
    flags: ['plugin-name-retention'],
    description: 'time for which the name of a plugin that is gone belongs to the identity that registered it',
    fallback: '1h',
    group: 'Security',
  }),
  heartbeatTokens: text({
    flags: ['heartbeat-tokens'],
    placeholder: 'file',
    description: 'file of tokens that prove the identities of plugins, made by "kplug token create"',
    fallback: 'none',
    group: 'Security',
  }),
  tokenAudience: text({
    flags: ['token-audience'],
    placeholder: 'audience',
    description: 'audience of the ServiceAccount tokens of plugins, on a cluster, and of the tokens of the OIDC issuer',
    fallback: 'kplug',
    group: 'Security',
  }),
  oidcIssuer: text({
    flags: ['oidc-issuer'],
    placeholder: 'url',
    description:
      'OIDC issuer whose tokens prove the identities of plugins; delegations admit its subjects by plugins.from',
    fallback: 'none',
    group: 'Security',
  }),
  clientCa: text({
    flags: ['client-ca'],
    placeholder: 'file',
    description:
      'CAs of client certificates that prove the identities of plugins; delegations admit them by plugins.from',
    fallback: 'none',
    group: 'Security',
  }),
  tlsCertDir: text({
    flags: ['tls-cert-dir'],
    placeholder: 'dir',
    description: 'folder with tls.crt, tls.key and ca.crt, for the heartbeat port and calls of plugins',
    fallback: 'none; the operator makes its own certificates',
    group: 'Security',
  }),
  tlsSecretName: text({
    flags: ['tls-secret-name'],
    placeholder: 'name',
    description:
      'Secret with tls.crt, tls.key and ca.crt, such as one of cert-manager, instead of the certificates that the operator makes',
    fallback: 'none',
    group: 'Security',
  }),
  tlsName: text({
    flags: ['tls-name'],
    placeholder: 'name',
    description:
      'name of the Service of the heartbeat port; the operator keeps its certificates in the Secret NAME-tls, and publishes its CA in the ConfigMap NAME-ca',
    fallback: 'kplug',
    group: 'Security',
  }),
  tlsDnsNames: texts({
    flags: ['tls-dns-name'],
    placeholder: 'name',
    description: 'DNS names and IP addresses under which plugins reach the heartbeat port',
    fallback: 'those of the Service on a cluster, and localhost',
    group: 'Security',
  }),
  tlsCaNamespaces: texts({
    flags: ['tls-ca-namespace'],
    placeholder: 'namespace',
    description: "namespaces in which the CA is published for plugins, besides the operator's own",
    fallback: 'none',
    group: 'Security',
  }),
  insecure: toggle({
    flags: ['insecure'],
    description: 'make TLS and identities of plugins optional, for the time of an upgrade',
    fallback: 'false',
    group: 'Security',
  }),
  allowInsecurePlugins: toggle({
    flags: ['allow-insecure-plugins'],
    description: 'accept plugins of the first Kplug, whose protocol has neither encryption nor authentication',
    fallback: 'false',
    group: 'Security',
  }),
  insecurePluginsFrom: texts({
    flags: ['insecure-plugins-from'],
    placeholder: 'source',
    description:
      'namespaces and CIDRs from which plugins of the first Kplug are accepted; those of a namespace may register addresses of their own pod and its Services only',
    fallback: 'everywhere',
    group: 'Security',
  }),
  grpcBindAddress: text({
    flags: ['grpc-bind-address'],
    placeholder: 'address',
    description:
      'address that receives heartbeats; any but loopback needs TLS and plugins that prove their identities; port 0 selects a free port, here and below',
    fallback: 'localhost:50050',
    group: 'Ports',
  }),
  metricsAddr: text({
    flags: ['metrics-addr', 'metrics-bind-address'],
    placeholder: 'address',
    description: 'address of /metrics; 0 disables it',
    fallback: ':8080 on a cluster, 0 on a directory',
    group: 'Ports',
  }),
  healthProbeBindAddress: text({
    flags: ['health-probe-bind-address'],
    placeholder: 'address',
    description: 'address of /healthz and /readyz; 0 disables it',
    fallback: ':8081 on a cluster, 0 on a directory',
    group: 'Ports',
  }),
  adminBindAddress: text({
    flags: ['admin-bind-address'],
    placeholder: 'address',
    description: 'address of the admin API for the kplug command, with metrics and probes; 0 disables it',
    fallback: '127.0.0.1:8082',
    group: 'Ports',
  }),
  page: toggle({
    flags: ['page'],
    description: 'serve the page for people at / of the admin port, to those who may read the port',
    fallback: 'true',
    group: 'Ports',
  }),
  recordCalls: toggle({
    flags: ['record-calls'],
    description:
      'record the last calls of plugins for the resources that were called last; their contents are shown to those who may read the admin port, except values of Secrets and what looks like a secret',
    fallback: 'false',
    group: 'Ports',
  }),
  allowActions: toggle({
    flags: ['allow-actions'],
    description:
      'allow actions through the admin port, such as draining an instance: on a cluster to users who may update plugins/drain, otherwise to processes of this machine',
    fallback: 'false',
    group: 'Ports',
  }),
  adminHosts: texts({
    flags: ['admin-host'],
    placeholder: 'name',
    description:
      'host name by which clients may address the admin, metrics and probe ports, besides localhost and names of a private network',
    fallback: 'none',
    group: 'Ports',
  }),
  maxConnections: count({
    flags: ['max-connections'],
    placeholder: 'number',
    max: 1_000_000,
    description: 'maximum number of connections that receive heartbeats; at most 37 % of the file descriptors',
    fallback: '16384',
    group: 'Ports',
  }),
  maxConnectionsPerPeer: count({
    flags: ['max-connections-per-peer'],
    placeholder: 'number',
    max: 1_000_000,
    description: 'maximum number of these from one address, or one IPv6 /64 network, other than this machine',
    fallback: '1024',
    group: 'Ports',
  }),
  enableLeaderElection: toggle({
    flags: ['enable-leader-election', 'leader-elect'],
    description: 'elect a leader among several operators by a Lease; only the leader reconciles',
    fallback: 'false',
    group: 'Leader election',
  }),
  leaderElectionLeaseName: text({
    flags: ['leader-election-lease-name'],
    placeholder: 'name',
    description: 'name of the Lease',
    fallback: 'kplug',
    group: 'Leader election',
  }),
  leaderElectionNamespace: text({
    flags: ['leader-election-namespace'],
    placeholder: 'namespace',
    description: 'namespace of the operator, for its Lease and its Plugin resources',
    fallback: 'namespace of the pod, else of the context',
    group: 'Leader election',
  }),
  leaderElectionLeaseDuration: time({
    flags: ['leader-election-lease-duration'],
    description: 'time after which other operators take over from a leader that does not renew',
    fallback: '15s',
    group: 'Leader election',
  }),
  leaderElectionRenewDeadline: time({
    flags: ['leader-election-renew-deadline'],
    description: 'time after which a leader that cannot renew stops',
    fallback: '10s',
    group: 'Leader election',
  }),
  leaderElectionRetryPeriod: time({
    flags: ['leader-election-retry-period'],
    description: 'interval between attempts to acquire or renew the Lease',
    fallback: '2s',
    group: 'Leader election',
  }),
  logLevel: choice({
    flags: ['log-level'],
    placeholder: 'level',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    description: 'minimum log level',
    fallback: 'info',
    group: 'Logs',
  }),
  logFormat: choice({
    flags: ['log-format'],
    placeholder: 'format',
    choices: ['text', 'json'],
    description: 'log format (stderr)',
    fallback: 'text',
    group: 'Logs',
  }),
} satisfies Record<string, Setting>;

/** Name of a setting. */
export type SettingName = keyof typeof settings;

/** Values of the settings. A missing one has its default. */
export type SettingValues = { [N in SettingName]?: z.output<(typeof settings)[N]['schema']> };

/** All settings with their names, in the order of the documentation. */
export const allSettings = Object.entries(settings) as unknown as readonly (readonly [SettingName, Setting])[];
