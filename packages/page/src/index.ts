import './require-node.ts';

export type { PageFile } from './page-file.ts';
export { readPage } from './read-page.ts';
