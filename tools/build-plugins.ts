import { buildGoPluginFor } from './languages/go.ts';
import { buildJavaPluginFor } from './languages/java.ts';

/** `pnpm plugins:build`: builds the examples in Go and Java. `test` builds them too, while other tests compete for the processor. */
const builds = [buildGoPluginFor, buildJavaPluginFor].map((build) => build('the plugins in Go and Java'));
for (const command of await Promise.all(builds)) if (command) console.log(command.join(' '));
