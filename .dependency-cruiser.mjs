/**
 * Layers of the sources. Each folder of `@kplug/controller` and each package may import from those listed here, from itself and nothing else of this
 * repository. `docs/architecture.md` shows the same order.
 */

/** Folders of the controller, in the order in which data flows through them. */
export const controllerLayers = {
  limits: [],
  settings: [],
  files: [],
  queue: [],
  selection: [],
  paging: ['queue'],
  ports: ['queue', 'settings'],
  registry: ['paging', 'queue'],
  resources: ['files', 'queue'],
  readiness: ['resources'],
  expressions: ['resources'],
  certificates: ['files', 'queue', 'registry', 'resources', 'settings'],
  authentication: ['files', 'queue', 'registry', 'resources', 'settings'],
  attachments: ['registry', 'resources'],
  heartbeat: [
    'attachments',
    'authentication',
    'certificates',
    'paging',
    'ports',
    'registry',
    'resources',
    'selection',
    'settings',
  ],
  clients: ['certificates', 'queue', 'registry', 'resources', 'selection'],
  discovery: ['certificates', 'clients', 'queue', 'registry', 'resources'],
  supervisor: ['files', 'queue', 'registry', 'resources', 'settings'],
  telemetry: ['queue', 'resources'],
  delegation: [
    'attachments',
    'clients',
    'expressions',
    'queue',
    'readiness',
    'registry',
    'resources',
    'selection',
    'settings',
    'telemetry',
  ],
  diagnosis: ['delegation', 'readiness', 'registry', 'resources', 'selection'],
  'delegation-resources': ['delegation', 'queue', 'registry', 'resources', 'selection'],
  'attachment-resources': ['attachments', 'clients', 'delegation', 'queue', 'registry', 'resources'],
  'plugin-resources': ['queue', 'registry', 'resources'],
  catalogue: ['delegation', 'queue', 'registry', 'resources', 'selection'],
  admin: [
    'authentication',
    'certificates',
    'clients',
    'delegation',
    'diagnosis',
    'paging',
    'ports',
    'queue',
    'readiness',
    'registry',
    'resources',
    'selection',
    'settings',
    'telemetry',
  ],
  tools: ['certificates', 'clients', 'delegation', 'registry', 'resources', 'selection', 'supervisor', 'telemetry'],
};

/** Packages, each with those whose exports it may import. */
export const packageLayers = {
  protocol: [],
  page: [],
  controller: ['page', 'protocol'],
  sdk: ['protocol'],
  operator: ['controller', 'sdk'],
  conformance: ['controller', 'protocol'],
  cli: ['conformance', 'controller', 'operator', 'protocol'],
  testing: ['controller', 'operator', 'protocol', 'sdk'],
};

const source = 'packages/controller/src';
/** Every folder of the controller may import these. */
const common = `^${source}/((errors|names|sets-by-key|version)\\.ts$|limits/)`;
const oneOf = (names) => `(${names.join('|')})`;

export default {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'adapters-are-closed',
      comment: 'Other folders use the port and its types, never an adapter. Only tools render resources in memory.',
      severity: 'error',
      from: { path: `^${source}/(?!resources/|tools/)[^/]+/` },
      to: { path: `^${source}/resources/(kubernetes|directory|memory)/` },
    },
    {
      name: 'adapters-have-export-paths',
      comment: 'Of the files above the folders, only the export paths use an adapter: the main one must load none.',
      severity: 'error',
      from: { path: `^${source}/[^/]+\\.ts$`, pathNot: `^${source}/(kubernetes|directory|memory|tools)\\.ts$` },
      to: { path: `^${source}/(resources/(kubernetes|directory|memory)/|tools/|tools\\.ts$)` },
    },
  ],
  allowed: [
    // The controller's folders, and the files above them.
    { from: { path: `^${source}/[^/]+\\.ts$` }, to: { path: `^${source}/` } },
    { from: { path: `^${source}/` }, to: { path: common } },
    { from: { path: `^${source}/([^/]+)/` }, to: { path: `^${source}/$1/` } },
    ...Object.entries(controllerLayers)
      .filter(([, below]) => below.length > 0)
      .map(([folder, below]) => ({
        from: { path: `^${source}/${folder}/` },
        to: { path: `^${source}/${oneOf(below)}/` },
      })),
    // Packages: their own files, and the exports of those below.
    { from: { path: '^packages/(?!controller/)([^/]+)/src/' }, to: { path: '^packages/$1/(src/|package\\.json$)' } },
    { from: { path: `^${source}/` }, to: { path: '^packages/controller/package\\.json$' } },
    // The page is built of its browser sources, which run in a browser, and of what the protocol has for these.
    { from: { path: '^packages/page/(build|build\\.ts)' }, to: { path: '^packages/page/build/' } },
    {
      from: { path: '^packages/page/browser/' },
      to: { path: '^packages/(page/browser/|protocol/src/services\\.ts$)' },
    },
    ...Object.entries(packageLayers)
      .filter(([, below]) => below.length > 0)
      .map(([name, below]) => ({
        from: { path: `^packages/${name}/src/` },
        to: { path: `^packages/${oneOf(below)}/src/`, dependencyTypesNot: ['local'] },
      })),
  ],
  allowedSeverity: 'error',
  options: {
    includeOnly: '^packages/',
    exclude: {
      path: [
        '\\.test\\.ts$',
        '\\.fixture\\.ts$',
        '/testing\\.ts$',
        '/src/testing/',
        '/dist/',
        '/gen/',
        '/contract\\.ts$',
        '/templates/',
      ],
    },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
