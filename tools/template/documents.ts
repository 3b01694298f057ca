import { join, resolve } from 'node:path';
import { projectTexts } from '../../packages/cli/src/init/template.ts';

const repository = resolve(import.meta.dirname, '../..');

/** Folder of the example of `kplug init plugin`. */
export const exampleFolder = join(repository, 'examples/plugin-template');

/** Path and expected content of a file. */
interface TemplateDocument {
  file: string;
  content: string;
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
  const { files } = await projectTexts({ project: 'plugin', language: 'typescript', packageManager: 'npm' }, names);
  return [...files].map(([path, content]) => ({ file: join(exampleFolder, path), content }));
}
