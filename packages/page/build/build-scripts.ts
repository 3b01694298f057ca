import { rolldown } from 'rolldown';

/** Script of the page. */
export interface Script {
  readonly name: string;
  readonly content: string;
}

/** Bundles the scripts: the entry, and a chunk for each part that is loaded later. */
export async function buildScripts(input: string): Promise<{ entry: string; scripts: Script[] }> {
  const bundle = await rolldown({
    input,
    platform: 'browser',
    tsconfig: false,
    transform: { jsx: { runtime: 'automatic', importSource: 'preact' }, target: 'es2022' },
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(`the page can't be bundled: ${log.message}`);
    },
  });
  const { output } = await bundle.generate({
    format: 'es',
    minify: true,
    entryFileNames: '[name]-[hash].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await bundle.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  const entry = chunks.find((chunk) => chunk.isEntry);
  if (!entry || chunks.length < output.length) throw new Error('the bundle of the page has unexpected files');
  return { entry: entry.fileName, scripts: chunks.map(({ fileName, code }) => ({ name: fileName, content: code })) };
}
