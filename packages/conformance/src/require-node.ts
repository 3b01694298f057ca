/**
 * Fails on a Node.js that is too old for this package, before any other module of it runs. `index.ts` imports it first. It must not import
 * anything, and must run on every Node.js.
 */
const required = 24;
const actual = process.versions.node;
if (Number.parseInt(actual, 10) < required) {
  const error = new Error(`@kplug/conformance requires Node.js ${required} or newer; this is Node.js ${actual}`);
  // The message is all that matters.
  error.stack = `Error: ${error.message}`;
  throw error;
}
