// Access for the generated documentation of this repository. This export path is not published.
export { type Setting, variableOf } from './setting.ts';
export { allSettings } from './settings.ts';
