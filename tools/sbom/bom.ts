import { createHash } from 'node:crypto';
import { run } from '../image/run.ts';

/** Component of an SBOM. */
interface Component {
  'bom-ref': string;
  group?: string;
  name: string;
  version: string;
}

/** SBOM in CycloneDX, as far as it is changed here. */
export interface Bom {
  bomFormat: string;
  specVersion: string;
  serialNumber: string;
  metadata: { timestamp?: string; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/** Package whose SBOM is written. */
interface BomSubject {
  package: string;
  type: 'library' | 'application';
  /** True to list optional dependencies, too. */
  hasOptional: boolean;
}

/** Returns the SBOM of a workspace package's production dependencies, as pnpm writes it from the lockfile. */
export function bomOf({ package: name, type, hasOptional }: BomSubject): Bom {
  const flags = ['--sbom-format', 'cyclonedx', '--sbom-spec-version', '1.6', '--sbom-type', type, '--prod'];
  const args = [`--filter=${name}`, 'sbom', ...flags, ...(hasOptional ? [] : ['--no-optional'])];
  return reproducible(JSON.parse(run('npx', ['-y', 'pnpm@12', ...args])));
}

/** Keeps only some of the packages, and what they need. Throws when one is unknown. */
export function onlyNeededBy(bom: Bom, names: readonly string[]): Bom {
  const byRef = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const root = bom.metadata.component['bom-ref'];
  const named = bom.components.filter((component) => names.includes(nameOf(component)));
  const unknown = names.filter((name) => !named.some((component) => nameOf(component) === name));
  if (unknown.length > 0) throw new Error(`${root} does not depend on ${unknown.join(', ')}`);
  const direct = named.map((component) => component['bom-ref']);
  const kept = new Set([root]);
  const waiting = [...direct];
  for (let ref = waiting.pop(); ref !== undefined; ref = waiting.pop()) {
    if (kept.has(ref)) continue;
    kept.add(ref);
    waiting.push(...(byRef.get(ref) ?? []));
  }
  return reproducible({
    ...bom,
    components: bom.components.filter((component) => kept.has(component['bom-ref'])),
    dependencies: bom.dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: ref === root ? direct : dependsOn })),
  });
}

function nameOf({ group, name }: Component): string {
  return group ? `${group}/${name}` : name;
}

/** Replaces what differs in each run: the time, the order, and the serial number, by one of the content. */
function reproducible({ serialNumber: _, ...bom }: Bom): Bom {
  const { timestamp: __, ...metadata } = bom.metadata;
  const components = bom.components.toSorted((a, b) => compare(a['bom-ref'], b['bom-ref']));
  const dependencies = bom.dependencies.toSorted((a, b) => compare(a.ref, b.ref));
  for (const one of dependencies) one.dependsOn.sort(compare);
  const content = { ...bom, metadata, components, dependencies };
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  // A UUID of version 8, whose other bits are free.
  const uuid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
  return { ...content, serialNumber: `urn:uuid:${uuid}` };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1;
}
