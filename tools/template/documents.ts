import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pluginFiles } from '../../packages/cli/src/init/template.ts';

const repository = resolve(import.meta.dirname, '../..');

/** What `kplug init plugin` makes, for people to look at and to copy. */
export const exampleFolder = join(repository, 'examples/plugin-template');

/** What `kplug init plugin` makes plugins in Go of. */
const goTemplate = join(repository, 'packages/cli/templates/plugin/go');
const goExample = join(repository, 'examples/plugins/go');

/** A file as it should be. */
interface TemplateDocument {
  file: string;
  content: string;
}

/** The files of the template in Go that have nothing to do with what a plugin does: those of the example, for another module. */
export function goDocuments(): TemplateDocument[] {
  const names = ['failure.go', 'serve.go', 'session.go', ...globSync('gen/**/*.go', { cwd: goExample }).sort()];
  return names.map((name) => {
    const text = readFileSync(join(goExample, name), 'utf8');
    return { file: join(goTemplate, name), content: text.replaceAll('"example.org/sqlite-plugin/', '"__MODULE__/') };
  });
}

/** The example, which is what `kplug init plugin --name FirstFit` makes. */
export async function exampleDocuments(): Promise<TemplateDocument[]> {
  const names = {
    name: 'FirstFit',
    kind: 'AddressPlan',
    group: 'example.org',
    api: 'AddressPlan',
    image: 'ghcr.io/example/first-fit',
  };
  const files = await pluginFiles('typescript', names);
  return [...files].map(([path, content]) => ({ file: join(exampleFolder, path), content }));
}
