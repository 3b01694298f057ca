/**
 * Fails on a Node.js that is too old for this package, before any other module of it runs. `index.ts` imports it first. It must not import
 * anything, and must run on every Node.js.
 */
const required = '22.22';
const actual = process.versions.node;
const [major = 0, minor = 0] = actual.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  const error = new Error(`@kplug/page requires Node.js ${required} or newer; this is Node.js ${actual}`);
  // The message is all that matters.
  error.stack = `Error: ${error.message}`;
  throw error;
}
