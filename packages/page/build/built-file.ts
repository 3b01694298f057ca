import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** File of the page, as it is built. */
export interface BuiltFile {
  readonly path: string;
  readonly contentType: string;
  readonly gzip: Buffer;
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Makes a file from its content. `name` ends with the type: css, html, js or svg. */
export function builtFile(path: string, name: string, content: string | Uint8Array): BuiltFile {
  const contentType = types[name.slice(name.lastIndexOf('.') + 1)];
  if (!contentType) throw new Error(`the page has a file of an unknown type: ${name}`);
  return { path, contentType, gzip: gzipSync(content, { level: 9 }), etag: `"${contentHash(content)}"` };
}

/** Hash of a content, in 16 hexadecimal digits. */
export function contentHash(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
