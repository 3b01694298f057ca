import { describe, expect, it } from 'vitest';
import { type Bom, bomOf, onlyNeededBy } from './bom.ts';

const namesIn = ({ components }: Bom) => components.map(({ group, name }) => (group ? `${group}/${name}` : name));

describe('the SBOM of a package', () => {
  const bom = bomOf({ package: '@kplug/operator', type: 'library', hasOptional: true });

  it('is CycloneDX, and lists all production dependencies with version, license and checksum, but no others', () => {
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(bom.metadata.component).toMatchObject({ group: '@kplug', name: 'operator', type: 'library' });
    const names = namesIn(bom);
    expect(names).toEqual(
      expect.arrayContaining(['@kplug/controller', '@kplug/sdk', 'tar', 'undici', '@grpc/grpc-js']),
    );
    expect(names.filter((name) => /^(vitest|typescript|@kplug\/testing|@biomejs\/.*)$/.test(name))).toEqual([]);
    const foreign = bom.components.filter(({ group }) => group !== '@kplug');
    const checksum = { alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) };
    const hashed = { externalReferences: expect.arrayContaining([expect.objectContaining({ hashes: [checksum] })]) };
    for (const component of foreign) {
      expect(component).toMatchObject({
        ...hashed,
        licenses: expect.anything(),
        purl: expect.stringMatching(/^pkg:npm\//),
      });
    }
    // Each component, and what it depends on, is listed.
    const refs = new Set([bom.metadata.component, ...bom.components].map((component) => component['bom-ref']));
    expect(
      bom.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).filter((ref) => !refs.has(ref)),
    ).toEqual([]);
  });

  it('is the same in each run', () => {
    expect(bomOf({ package: '@kplug/operator', type: 'library', hasOptional: true })).toEqual(bom);
  });

  it('can be limited to some dependencies', () => {
    const only = onlyNeededBy(bom, ['pino-pretty']);
    expect(namesIn(only)).toEqual(expect.arrayContaining(['pino-pretty', 'colorette']));
    expect(namesIn(only)).not.toContain('undici');
    expect(only.serialNumber).not.toBe(bom.serialNumber);
    expect(() => onlyNeededBy(bom, ['pino-pretty', 'left-pad'])).toThrow('does not depend on left-pad');
  });
});
