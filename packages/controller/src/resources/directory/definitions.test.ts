import { describe, expect, it } from 'vitest';
import { type ManifestFile, parseManifests } from '../manifest.ts';
import { resolveDefinitions } from './definitions.ts';
import { documents, table, tableKey } from './testing.ts';

const users = tableKey('users');
const nobody = () => undefined;

function contents(files: Record<string, string | undefined>): Map<string, ManifestFile | undefined> {
  return new Map(
    Object.entries(files).map(([path, text]) => [
      path,
      text === undefined ? undefined : parseManifests(text, { file: `dir/${path}` }),
    ]),
  );
}

describe('resolveDefinitions', () => {
  it('accepts resources that are defined once', () => {
    const files = contents({ 'a.yaml': documents(table('users'), table('orders')), 'b.yaml': table('items') });
    const { accepted, held, problems, duplicates } = resolveDefinitions('dir', files, nobody);
    expect([...accepted].map(([key, { path }]) => [key, path])).toEqual([
      [users, 'a.yaml'],
      [tableKey('orders'), 'a.yaml'],
      [tableKey('items'), 'b.yaml'],
    ]);
    expect([[...held], problems, duplicates]).toEqual([[], [], []]);
  });

  it('accepts the first of two definitions, reports the other one and holds its file', () => {
    const files = contents({
      'a.yaml': table('users', 1),
      'b.yaml': documents(table('orders'), table('users', 2), table('users', 3)),
    });
    const { accepted, held, duplicates } = resolveDefinitions('dir', files, nobody);
    expect(accepted.get(users)).toMatchObject({ path: 'a.yaml', manifest: { spec: { columns: 1 } } });
    expect(accepted.get(tableKey('orders'))?.path).toBe('b.yaml');
    expect([...held]).toEqual(['b.yaml']);
    expect(duplicates.map(({ file, line }) => [file, line])).toEqual([
      ['dir/b.yaml', 8],
      ['dir/b.yaml', 15],
    ]);
    expect(duplicates[0]?.message).toBe(
      'Table default/users is already defined in a.yaml on line 1, which takes precedence. Remove one of the two.',
    );
  });

  it('prefers the file that defined the resource earlier', () => {
    const files = contents({ 'a.yaml': table('users', 1), 'b.yaml': table('users', 2) });
    const { accepted, duplicates } = resolveDefinitions('dir', files, () => 'b.yaml');
    expect(accepted.get(users)?.path).toBe('b.yaml');
    expect(duplicates.map(({ file }) => file)).toEqual(['dir/a.yaml']);
  });

  it('accepts nothing from an invalid file, but knows its resources', () => {
    const files = contents({ 'a.yaml': documents(table('users'), 'kind: Table\n'), 'b.yaml': undefined });
    const { accepted, held, claimed, problems } = resolveDefinitions('dir', files, nobody);
    expect(accepted.size).toBe(0);
    expect([...held]).toEqual(['a.yaml', 'b.yaml']);
    expect([...claimed]).toEqual([users]);
    expect(problems.map(({ file, line }) => [file, line])).toEqual([['dir/a.yaml', 8]]);
  });

  it('prevents other files from taking over resources of an invalid one', () => {
    const files = contents({ 'a.yaml': 'kind: Table\n', 'b.yaml': table('users', 2) });
    const { accepted, duplicates } = resolveDefinitions('dir', files, () => 'a.yaml');
    expect(accepted.size).toBe(0);
    expect(duplicates).toEqual([
      expect.objectContaining({ file: 'dir/b.yaml', message: expect.stringContaining('was defined in a.yaml') }),
    ]);
  });
});
