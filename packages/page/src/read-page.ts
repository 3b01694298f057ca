import type { PageFile } from './page-file.ts';

/**
 * Returns the files of the page. The page asks for its assets, and calls the services, by URLs relative to its own, so it works below any
 * path that ends with `/`. Names of assets have a hash of their content, so that they may be cached for ever; `/` may not. The files take
 * about 150 KB, and are loaded with the first call.
 */
export async function readPage(): Promise<readonly PageFile[]> {
  const { files } = await import('./files.gen.ts');
  return files.map(({ path, contentType, gzip, etag }) => ({
    path,
    contentType,
    gzip: Uint8Array.from(Buffer.from(gzip, 'base64')),
    etag,
  }));
}
