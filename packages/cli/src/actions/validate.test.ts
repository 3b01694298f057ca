import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kplug } from '@kplug/testing/kplug';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ValidationFinding } from '../validate/finding.ts';

const examples = fileURLToPath(new URL('../../../../examples', import.meta.url));
const charts = fileURLToPath(new URL('../../../../charts', import.meta.url));
const tables = join(examples, 'database-table/deploy/crds.yaml');

const delegations = `delegations:
  - name: tables
    base: { apiVersion: myorg.org/v1alpha1, kind: DatabaseTable }
    api: DatabaseTable@^1.0.0
    namespaces: [default, shop]
    labels: { tier: gold }
    extensions:
      kinds:
        - { apiVersion: myorg.org/v1alpha1, kind: DatabaseTableMariaDbExtension }
        - { apiVersion: myorg.org/v1alpha1, kind: DatabaseTablePostgreSqlExtension }
`;

/** A table without a fault, of which the tests change parts. */
const table = `apiVersion: myorg.org/v1alpha1
kind: DatabaseTable
metadata:
  name: users
  labels: { tier: gold }
spec:
  serverName: main
  columns:
    - { name: id, type: uint64 }
`;

/** Makes a folder with files. */
async function folderWith(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-validate-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** Validates the files of a folder. Returns findings as `file:line:column severity check message`. */
async function validate(files: Readonly<Record<string, string | Buffer>>, ...args: string[]) {
  const folder = await folderWith(files);
  const words = args.length > 0 ? args : ['.', '--crd', tables];
  const { code, stdout, stderr } = await kplug(['validate', ...words, '-o', 'json'], { cwd: folder });
  const { findings, summary } = JSON.parse(stdout || '{"findings":[]}') as {
    findings: ValidationFinding[];
    summary: Record<string, number>;
  };
  const lines = findings.map(({ file, line, column, severity, check, message }) => {
    return `${[file, line, column].filter(Boolean).join(':')} ${severity} ${check} ${message}`;
  });
  return { code, lines, findings, summary, stderr };
}

describe('kplug validate', () => {
  it.each([
    ['database-table', ['manifests', '--crd', 'deploy/crds.yaml']],
    ['plugin-template', ['samples', 'manifests/kind/crd.yaml', '--config', 'kplug.yaml']],
    ['plugin-template', ['samples', 'manifests/kind', '--config', 'kplug.yaml', '--strict']],
    ['foobar', ['manifests', 'deploy/kind.yaml', '--strict']],
    ['capability', ['manifests', '--crd', 'deploy/kinds.yaml', '--strict']],
    ['configmap-secret', ['deploy/delegations.yaml', '--crd', join(charts, 'kplug/files')]],
    [
      'access',
      ['deploy/kind.yaml', 'deploy/delegation.yaml', 'deploy/jane.yaml', '--crd', join(charts, 'kplug/files')],
    ],
  ])('finds no fault in the example %s (%#)', async (example, args) => {
    const { code, stdout, stderr } = await kplug(['validate', ...args], { cwd: join(examples, example) });
    expect({ code, stderr, stdout }).toEqual({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+ resources? in \d+ files?: valid(; no schema for \d+ resources?)?\n$/),
    });
  });

  it('reports every fault of a document by its schema, with its position', async () => {
    const manifest = `apiVersion: myorg.org/v1alpha1
kind: DatabaseTable
metadata:
  name: users
  label: { tier: gold }
spec:
  serverName: -main
  columns:
    - { name: id, typ: uint64 }
    - name: 7
      type: ""
  extension: []
---
apiVersion: myorg.org/v1alpha1
kind: DatabaseTablePostgreSqlExtension
metadata: { name: users }
spec:
  partitions: 500
---
apiVersion: myorg.org/v1alpha1
kind: DatabaseTableMariaDbExtension
metadata: { name: users }
spec: { storageEngine: innodb }
`;
    const { code, lines } = await validate({ 'a/users.yaml': manifest });
    expect(code).toBe(1);
    expect(lines).toEqual([
      'a/users.yaml:5:3 error FieldUnknown metadata.label is not a field of metadata; did you mean labels?',
      'a/users.yaml:7:3 error SchemaViolated spec.serverName is "-main", which does not match ^[A-Za-z0-9][A-Za-z0-9._-]*$',
      'a/users.yaml:9:7 error FieldMissing spec.columns[0].type is missing',
      'a/users.yaml:9:19 error FieldUnknown spec.columns[0].typ is not a field of the schema; did you mean type?',
      'a/users.yaml:10:7 error TypeInvalid spec.columns[1].name is 7, but must be a string; put it in quotes',
      'a/users.yaml:11:7 error SchemaViolated spec.columns[1].type has 0 characters; at least 1 are required',
      'a/users.yaml:12:3 error FieldUnknown spec.extension is not a field of the schema; did you mean extensions?',
      'a/users.yaml:17:1 error RuleViolated spec: partitions and partitionColumn require partitionBy',
      'a/users.yaml:18:3 error SchemaViolated spec.partitions is 500, but must be at most 256',
      'a/users.yaml:23:9 error SchemaViolated spec.storageEngine is "innodb", but must be one of InnoDB, Aria, MyISAM; did you mean InnoDB?',
    ]);
  });

  it('reports what a delegation does not accept', async () => {
    const { code, lines } = await validate({
      'kplug.yaml': delegations,
      'users.yaml': `apiVersion: myorg.org/v1alpha1
kind: DatabaseTable
metadata:
  name: users
  labels: { tier: gold }
  annotations:
    kplug.dev/paused: "yes"
    kplug.dev/pause: "true"
spec:
  serverName: main
  preferredImplementation: MariaDB@^^1
  columns: [{ name: id, type: uint64 }]
  extensions:
    - { apiVersion: myorg.org/v1alpha1, kind: DatabaseTableMariaDbExtension, name: users }
    - { apiVersion: myorg.org/v1alpha1, kind: DatabaseTableSqliteExtension, name: users }
    - { apiVersion: myorg.org/v1alpha1, kind: DatabaseTableMariaDbExtension, name: users }
    - { apiVersion: myorg.org/v1alpha1, kind: DatabaseTablePostgreSqlExtension, name: missing }
---
apiVersion: myorg.org/v1alpha1
kind: DatabaseTableMariaDbExtension
metadata: { name: users }
spec: {}
`,
      'others.yaml': `${table.replace('users', 'silver').replace('gold', 'silver')}---
${table.replace('users', 'far, namespace: elsewhere').replace('name: far, namespace: elsewhere', 'name: far\n  namespace: elsewhere')}---
apiVersion: myorg.org/v1alpha1
kind: DatabaseTableSqliteExtension
metadata: { name: unused }
spec: { strict: true }
`,
    });
    expect(code).toBe(1);
    expect(lines).toEqual([
      'others.yaml:3:1 warning NotDelegated no delegation includes the resource (tables: it lacks the label tier: "gold")',
      'others.yaml:13:1 warning NotDelegated no delegation includes the resource (tables: the namespace elsewhere is none of default, shop)',
      expect.stringMatching(
        /^others.yaml:\d+:1 warning NotDelegated no delegation has the kind DatabaseTableSqliteExtension, and no resource references it as an extension$/,
      ),
      expect.stringMatching(
        /^users.yaml:7:5 error PausedInvalid .* is neither "true" nor "false"; the resource is not paused$/,
      ),
      'users.yaml:8:5 warning AnnotationUnknown Kplug has no annotation kplug.dev/pause; did you mean kplug.dev/paused?',
      expect.stringMatching(
        /^users.yaml:11:3 error PreferenceInvalid .spec.preferredImplementation: "MariaDB@\^\^1" has a malformed version range/,
      ),
      expect.stringMatching(
        /^users.yaml:15:7 error ExtensionForbidden .*DatabaseTableSqliteExtension default\/users .* isn't of a kind that the delegation allows/,
      ),
      expect.stringMatching(
        /^users.yaml:16:7 error ExtensionDuplicated .* is listed more than once in .spec.extensions; remove one$/,
      ),
      expect.stringMatching(
        /^users.yaml:17:7 warning ExtensionNotFound the extension DatabaseTablePostgreSqlExtension default\/missing .* is not among the files$/,
      ),
    ]);
  });

  it('reports capabilities that can not be asked for', async () => {
    const { lines } = await validate(
      {
        'kplug.yaml': `delegations:
  - name: capabilities
    base: { apiVersion: platform.example.org/v1, kind: Capability }
    api: Capability@^1.0.0
    capability: {}
`,
        'queue.yaml': `apiVersion: platform.example.org/v1
kind: Capability
metadata: { name: queue }
spec:
  category: messaging
  type: ""
`,
      },
      'queue.yaml',
      '--crd',
      join(examples, 'capability/deploy/kinds.yaml'),
    );
    expect(lines).toEqual(['queue.yaml:6:3 error CapabilityInvalid .spec.type must be a text such as postgresql']);
  });

  it('reports faults of delegations, definitions and kplug.yaml with everything else', async () => {
    const { code, lines } = await validate(
      {
        'kplug.yaml':
          'delegations:\n  - name: tables\n    base: { apiVersion: v1, kind: a-b }\n    api: Table@^1\nlogLevl: info\n',
        'delegations.yaml': `apiVersion: delegations.kplug.dev/v1alpha1
kind: Delegation
metadata: { name: first }
spec: { base: { apiVersion: example.org/v1, kind: Table }, api: Table@^1.0.0 }
---
apiVersion: delegations.kplug.dev/v1alpha1
kind: Delegation
metadata: { name: second }
spec:
  base: { apiVersion: example.org/v1, kind: Table }
  api: Table@^2.0.0
---
apiVersion: delegations.kplug.dev/v1alpha1
kind: Delegation
metadata: { name: third }
spec:
  base: { apiVersion: example.org/v1, kind: Other }
  apy: Other@^1.0.0
`,
        'crds.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.example.org }
spec:
  group: example.org
  names: { kind: Table, plural: tables }
  scope: Everywhere
  versions: []
`,
      },
      '.',
    );
    expect(code).toBe(1);
    expect(lines).toEqual([
      'crds.yaml:7:3 error DefinitionInvalid spec.scope must be Namespaced or Cluster',
      'crds.yaml:8:3 error DefinitionInvalid spec.versions must be a list of versions',
      'delegations.yaml:10:3 error DelegationsOverlap the delegation first already reconciles Table (example.org/v1); give them different namespaces or labels',
      'delegations.yaml:16:1 error DelegationInvalid spec.api: is missing',
      'delegations.yaml:18:3 error DelegationInvalid spec.apy: is not a field of a delegation',
      expect.stringMatching(
        /^kplug.yaml:3:\d+ error ConfigurationInvalid delegations\[0\].base.kind: must be a kind in PascalCase/,
      ),
      expect.stringMatching(/^kplug.yaml:5:1 error ConfigurationInvalid logLevl: is not a field of this file/),
    ]);
  });

  it('reports a definition whose schema refuses the status that an operator writes', async () => {
    const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: tables.example.org }
spec:
  group: example.org
  names: { kind: Table, plural: tables }
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {} }
      schema:
        openAPIV3Schema:
          type: object
          properties: { spec: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`;
    const kplugYaml =
      'delegations: [{ name: tables, base: { apiVersion: example.org/v1, kind: Table }, api: Table@1 }]\n';
    expect((await validate({ 'crd.yaml': definition, 'kplug.yaml': kplugYaml }, 'crd.yaml')).lines).toEqual([
      expect.stringMatching(
        /^crd.yaml:9:7 error StatusNotKept the schema of Table has no status, so the API server rejects statuses; add under /,
      ),
    ]);
  });

  it('reports files and documents that can not be read with the faults of the others', async () => {
    const folder = await folderWith({
      'broken.yaml': `a: [\n---\n${table.replace('serverName: main', 'serverName: 5')}`,
      'latin.yaml': Buffer.from([0x61, 0x3a, 0x20, 0xe4]),
      'nameless.yaml': 'apiVersion: example.org/v1\nkind: Table\nmetadata:\n  labels: { a: 1 }\n---\njust text\n',
      'sub/.hidden.yaml': 'a: [\n',
      'sub/kustomization.yaml': 'resources: [../users.yaml]\n',
      'sub/notes.txt': 'a: [\n',
    });
    await symlink('nowhere.yaml', join(folder, 'dangling.yaml'));
    const { code, stdout } = await kplug(['validate', folder, 'no-such-file.yaml', '--crd', tables], { cwd: folder });
    expect(code).toBe(1);
    const lines = stdout.replaceAll(`${folder}/`, '').split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^broken.yaml:\d:\d+: error: Invalid YAML: /),
      'broken.yaml:9:3: error: DatabaseTable users: spec.serverName is 5, but must be a string; put it in quotes',
      'dangling.yaml: error: The file is a link to a missing file',
      'latin.yaml: error: the file is not UTF-8 text',
      'nameless.yaml:3:1: error: metadata.name is missing',
      'nameless.yaml:4:13: error: metadata.labels.a must be a string; put it in quotes',
      'nameless.yaml:6:1: error: the document is not a mapping with apiVersion, kind and metadata',
      'no-such-file.yaml: error: the file does not exist',
      '',
      '3 resources in 3 files: 8 errors',
      '',
    ]);
  });

  it('reports duplicates, versions, scopes and kinds without a schema', async () => {
    const files = {
      'one.yaml': table,
      'two.yaml': `${table}---\n${table.replace('v1alpha1', 'v2').replace('users', 'others')}---
apiVersion: myorg.org/v1alpha1
kind: DatabaseTabel
metadata: { name: typo }
---
apiVersion: other.org/v1
kind: Thing
metadata: { name: a }
---
apiVersion: other.org/v1
kind: Thing
metadata: { name: b }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: shop }
---
apiVersion: delegations.kplug.dev/v1alpha1
kind: Delegation
metadata: { name: others, namespace: shop }
spec:
  base: { apiVersion: v1, kind: Secret }
  api: Secret
`,
    };
    const crds = [tables, join(charts, 'kplug/files')];
    const { lines, summary } = await validate(files, '.', '--crd', ...crds);
    expect(lines).toEqual([
      'two.yaml:4:3 error ResourceDuplicated DatabaseTable users is already in one.yaml:1; remove one',
      'two.yaml:11:1 error VersionNotServed DatabaseTable is not served in myorg.org/v2, but in v1alpha1',
      'two.yaml:22:1 warning SchemaMissing the fields of DatabaseTabel (myorg.org/v1alpha1) are not checked, as there is no schema; did you mean DatabaseTable?',
      'two.yaml:26:1 warning SchemaMissing the fields of Thing (other.org/v1) are not checked, as there is no schema (2 resources); give its CustomResourceDefinition with --crd',
      'two.yaml:39:27 warning NamespaceIgnored Delegation is cluster-scoped; remove metadata.namespace',
    ]);
    expect(summary).toEqual({ files: 2, resources: 8, withoutSchema: 4, errors: 2, warnings: 3 });
  });

  it('reads standard input, whose manifests are in the given namespace', async () => {
    const extension =
      'apiVersion: myorg.org/v1alpha1\nkind: DatabaseTableMariaDbExtension\nmetadata: { name: users, namespace: shop }\nspec: {}\n';
    const input = `${table}  extensions:\n    - { apiVersion: myorg.org/v1alpha1, kind: DatabaseTableMariaDbExtension, name: users }\n---\n${extension}`;
    const folder = await folderWith({ 'kplug.yaml': delegations });
    const run = (...args: string[]) => kplug(['validate', '-', '--crd', tables, ...args], { cwd: folder, input });
    expect(await run('-n', 'shop')).toEqual({ code: 0, stderr: '', stdout: '2 resources in 1 file: valid\n' });
    expect((await run()).stdout).toMatch(
      /^-:11:7: warning: DatabaseTable users: the extension DatabaseTableMariaDbExtension default\/users /,
    );
  });

  it('fails on warnings only with --strict', async () => {
    const files = { 'thing.yaml': 'apiVersion: other.org/v1\nkind: Thing\nmetadata: { name: a }\n' };
    expect(await validate(files, '.')).toMatchObject({
      code: 0,
      stderr: '1 resource in 1 file: 1 warning; no schema for 1 resource\n',
    });
    expect(await validate(files, '.', '--strict')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('kplug: 1 warning found, which --strict treats as errors'),
    });
  });

  it('takes the configuration file for no manifest, even among the files', async () => {
    const folder = await folderWith({ 'kplug.yaml': delegations, 'table.yaml': table });
    const run = (...files: string[]) => kplug(['validate', ...files, '--crd', tables], { cwd: folder });
    expect(await run('kplug.yaml', 'table.yaml')).toMatchObject({ code: 0, stdout: '1 resource in 1 file: valid\n' });
    expect(await run('kplug.yaml')).toMatchObject({ code: 0, stdout: '0 resources in 0 files: valid\n' });
  });

  it('refuses a folder without manifests', async () => {
    const folder = await folderWith({ 'notes.txt': '' });
    expect(await kplug(['validate', '.'], { cwd: folder })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'kplug: no resource in .\n',
    });
  });

  it('prints JUnit XML with a test case for each resource', async () => {
    const folder = await folderWith({
      'a&b.yaml': `${table.replace('main', '"<\\u0007>&\\""')}---\n${table.replace('users', 'good')}`,
      'bad.yaml': 'a: [\n',
    });
    const { code, stdout } = await kplug(['validate', '.', '--crd', tables, '-o', 'junit'], { cwd: folder });
    expect(code).toBe(1);
    expect(XMLValidator.validate(stdout)).toBe(true);
    const { testsuites } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(stdout);
    expect(testsuites).toMatchObject({
      tests: '4',
      failures: '2',
      testsuite: [
        {
          name: 'a&b.yaml',
          tests: '3',
          failures: '1',
          testcase: [
            { name: 'file', classname: 'a&b.yaml' },
            {
              name: 'DatabaseTable users',
              failure: {
                type: 'SchemaViolated',
                message: expect.stringMatching(/^spec.serverName is "<.*>&.*", which does not match /),
                '#text': expect.stringMatching(/^a&b.yaml:7:3: error: spec.serverName is /),
              },
            },
            { name: 'DatabaseTable good' },
          ],
        },
        { name: 'bad.yaml', tests: '1', failures: '1', testcase: { name: 'file', failure: { type: 'Unreadable' } } },
      ],
    });
  });

  it('prints workflow commands of GitHub, which a text can not break', async () => {
    const folder = await folderWith({ 'a,b:c.yaml': table.replace('main', '"100%\\n::error::stolen"') });
    const { code, stdout, stderr } = await kplug(['validate', '.', '--crd', tables, '-o', 'github'], { cwd: folder });
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('1 resource in 1 file: 1 error\n'),
    });
    expect(stdout).toBe(
      '::error file=a%2Cb%3Ac.yaml,line=7,col=3,title=SchemaViolated::DatabaseTable users: spec.serverName is "100%25\\n::error::stolen", which does not match ^[A-Za-z0-9][A-Za-z0-9._-]*$\n',
    );
  });

  it('checks a thousand documents of many files within the time of a test', async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `table-${index}`);
    const files = Object.fromEntries(
      Array.from({ length: 50 }, (_, file) => [
        `f${file}.yaml`,
        names
          .slice(file * 20, file * 20 + 20)
          .map((name) => table.replace('users', name))
          .join('---\n'),
      ]),
    );
    const { code, summary } = await validate(files);
    expect({ code, summary }).toEqual({
      code: 0,
      summary: { files: 50, resources: 1_000, withoutSchema: 0, errors: 0, warnings: 0 },
    });
  });
});
