/** A file of the page, as a server sends it. */
export interface PageFile {
  /** Path of the URL: `/` for the page itself, and such as `/assets/main-1a2b3c4d.js` for what it loads. */
  readonly path: string;
  /** Value of the header `content-type`. */
  readonly contentType: string;
  /** Content, compressed by gzip. */
  readonly gzip: Uint8Array;
  /** Value of the header `etag`, in quotes. It changes with the content. */
  readonly etag: string;
}
