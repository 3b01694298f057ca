// Access for the tests of this repository. This export path is not published.
export { registryOf } from './controller.ts';
