/**
 * Version of this package, as in `package.json`; `pnpm release` sets it. Importing the JSON file instead would be a SyntaxError on an old
 * Node.js, before `require-node.ts` can name the version that is required.
 */
export const version = '0.0.0';
