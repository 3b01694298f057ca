import { publishGoSdk } from './languages/go-proxy.ts';

/**
 * `node tools/publish-go.ts FOLDER`: writes the SDK in Go into a folder with the layout of a module proxy, and prints the commands that use
 * it in the module of a plugin. For trying plugins outside of the repository with a version that is not published.
 */
const [folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: node tools/publish-go.ts FOLDER');
const { requirement, env } = await publishGoSdk(folder);
console.log(`export GOPROXY=${env.GOPROXY} GONOSUMDB=${env.GONOSUMDB}\ngo get ${requirement}`);
