import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pluginFiles } from '../../packages/cli/src/init/template.ts';

const repository = resolve(import.meta.dirname, '../..');

/** Folder of the example of `kplug init plugin`. */
export const exampleFolder = join(repository, 'examples/plugin-template');

/** Template of `kplug init plugin` for Go. */
const goTemplate = join(repository, 'packages/cli/templates/plugin/go');
const goExample = join(repository, 'examples/plugins/go');

/** Path and expected content of a file. */
interface TemplateDocument {
  file: string;
  content: string;
}

/** Files of the template in Go that do not depend on the plugin's function: those of the example, with another module name. */
export function goDocuments(): TemplateDocument[] {
  const names = [
    'callers.go',
    'certificate.go',
    'credentials.go',
    'failure.go',
    'listen.go',
    'locks.go',
    'security.go',
    'serve.go',
    'session.go',
    ...globSync('gen/**/*.go', { cwd: goExample }).sort(),
  ];
  return names.map((name) => {
    const text = readFileSync(join(goExample, name), 'utf8');
    return { file: join(goTemplate, name), content: text.replaceAll('"example.org/sqlite-plugin/', '"__MODULE__/') };
  });
}

/** Files of the example: the output of `kplug init plugin --name FirstFit`. */
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
