// Access for the tests of this repository. This export path is not published.
export { pluginsFolderOf, registryOf } from './controller.ts';
