/** A page of the site: path of its Markdown file, from the top of the repository, and its line in the index. */
export interface Entry {
  file: string;
  /** Label in the sidebar. */
  label: string;
  /** Line in the index of `docs/`: the reader's question that the page answers. */
  purpose: string;
}

export interface Section {
  label: string;
  entries: readonly Entry[];
}

/** Sections of the documentation, in the order of Diátaxis: learn, do, understand, look up. */
export const contents: readonly Section[] = [
  {
    label: 'Learn',
    entries: [
      entry('docs/tutorial.md', 'Tutorial', 'From an empty folder to a plugin on a cluster, in fifteen minutes'),
      entry('docs/concepts.md', 'Concepts', 'Heartbeat, selection, pass, hand-over and hosting, in pictures'),
    ],
  },
  {
    label: 'Write a plugin',
    entries: [
      entry('docs/from-an-empty-folder.md', 'From an empty folder', 'Create a plugin or an operator with one command'),
      entry('docs/writing-a-plugin.md', 'In TypeScript', 'Input, result, failures, dependents, tests, deployment'),
      entry('docs/writing-a-plugin-in-python.md', 'In Python', 'The same with the Python SDK'),
      entry('docs/writing-a-plugin-in-go.md', 'In Go', 'The same with the Go SDK'),
      entry('docs/capabilities.md', 'Capabilities', 'Offer a database or a queue by type and version'),
      entry('docs/conformance.md', 'Conformance', 'Check, record and replay a plugin in any language'),
      entry('docs/first-kplug.md', 'From the first Kplug', 'Run and migrate plugins of the first Kplug'),
    ],
  },
  {
    label: 'Run an operator',
    entries: [
      entry('docs/directories.md', 'On a directory', 'Reconcile manifests of a directory, without a cluster'),
      entry('docs/kubernetes.md', 'On Kubernetes', 'Deploy the operator and its plugins on a cluster'),
      entry('docs/delegations.md', 'Delegations', 'Declare what plugins reconcile, and how one is selected'),
      entry('docs/hosting.md', 'Plugins from a folder', 'Have the operator start, restart and download plugins'),
      entry(
        'docs/attach.md',
        'Attach a plugin',
        'Reconcile chosen resources of a cluster with a plugin of your machine',
      ),
      entry('docs/page.md', 'The page', 'See in the browser what is ready, and why the rest is not'),
      entry('docs/security.md', 'Security', 'TLS and identities: what is on, and how to set up the rest'),
      entry('docs/authentication.md', 'Authentication', 'Tokens, OIDC and client certificates of plugins'),
      entry('docs/upgrade.md', 'Upgrade', 'Upgrade operator, kinds and plugins, and go back'),
      entry('docs/uninstall.md', 'Uninstall', 'Remove Kplug without losing resources'),
      entry(
        'docs/alerts.md',
        'Dashboard and alerts',
        'Watch operators with Prometheus and Grafana, and react to alerts',
      ),
      entry(
        'docs/observability.md',
        'Traces',
        'See the steps of a pass through operator and plugin with OpenTelemetry',
      ),
      entry('docs/troubleshooting.md', 'Troubleshooting', 'Find why a resource is not ready'),
    ],
  },
  {
    label: 'Reference',
    entries: [
      entry('docs/reference/cli.md', 'Command line', 'Every command of `kplug`, with options and examples'),
      entry('docs/operator-configuration.md', 'Settings', 'Flags, variables and fields of `kplug.yaml`'),
      entry('docs/reference/resources.md', 'Resources', 'Fields of `Delegation`, `Plugin` and `ProvidedCapability`'),
      entry('charts/kplug/README.md', 'Chart of the operator', 'Values of the Helm chart `kplug`'),
      entry('charts/kplug-plugin/README.md', 'Chart of a plugin', 'Values of the Helm chart `kplug-plugin`'),
      entry('docs/reference/reasons.md', 'Reasons and codes', 'Reasons in conditions, and codes of errors'),
      entry('docs/reference/metrics.md', 'Metrics', 'Prometheus metrics of the operator'),
      entry('docs/limits.md', 'Limits', 'Every size, count and time limit'),
      entry('docs/plugin-specification.md', 'Plugin specification', 'Rules for plugins and controllers'),
      entry('docs/reference/protocol.md', 'Protocol', 'Services and messages of `kplug.v1`'),
      entry('docs/reference/sdk.md', 'TypeScript SDK', 'API of `@kplug/sdk`'),
      entry('docs/reference/controller.md', 'Controller library', 'API of `@kplug/controller`'),
      entry('docs/reference/operator.md', 'Operator library', 'API of `@kplug/operator`'),
      entry('docs/reference/conformance.md', 'Conformance library', 'API of `@kplug/conformance`'),
    ],
  },
  {
    label: 'Background',
    entries: [
      entry('docs/performance.md', 'Performance', 'The most important figures of the benchmarks'),
      entry('docs/benchmarks.md', 'Benchmarks', 'Every figure, how it was measured, and its peer'),
      entry('SECURITY.md', 'Trust model', 'Trusted parties, prevented attacks and their tests'),
      entry('docs/architecture.md', 'Architecture', 'A map of the code, and the glossary'),
      entry('docs/decisions/README.md', 'Decisions', 'Design decisions with their reasons'),
      entry('docs/versions.md', 'Versions', 'Releases, supported versions, changes'),
      entry('CONTRIBUTING.md', 'Contributing', 'How to work on Kplug'),
    ],
  },
];

function entry(file: string, label: string, purpose: string): Entry {
  return { file, label, purpose };
}

/** Pages whose path on the site differs from that of the file, as `docs/` has pages with these names. */
const slugs: Readonly<Record<string, string>> = {
  'README.md': '',
  'docs/README.md': '',
  'SECURITY.md': 'trust-model',
  'CONTRIBUTING.md': 'contributing',
};

/** Returns the path of a page on the site without slashes around it, the empty one for the home page. */
export function slugOf(file: string): string {
  return slugs[file] ?? file.replace(/^docs\//, '').replace(/(\/README)?\.md$/, '');
}
