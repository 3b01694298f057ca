import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { architectureProblems, type Layers } from './docs/architecture.ts';
import { brokenLinks, linkingPages } from './docs/links.ts';

/**
 * `node tools/check-architecture.ts`: checks that `docs/architecture.md` agrees with the tree and that the relative links of all
 * documentation resolve. Prints each problem and exits with 1 if there is any.
 */
const repository = resolve(import.meta.dirname, '..');
const configuration = pathToFileURL(resolve(repository, '.dependency-cruiser.mjs')).href;
const { controllerLayers } = (await import(configuration)) as { controllerLayers: Layers };

const problems = [
  ...architectureProblems(repository, controllerLayers),
  ...linkingPages(repository).flatMap((page) => brokenLinks(repository, page)),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
