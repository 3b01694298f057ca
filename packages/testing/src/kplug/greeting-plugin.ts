import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { definePlugin, terminal } from '@kplug/sdk';

interface Greeting {
  spec: { to: string; preferredImplementation?: string };
}

interface Style {
  spec: { shout?: boolean };
}

/** Output directory of the greetings. */
const folder = process.env.GREETING_FOLDER ?? '.';

const fileOf = (name: string) => join(folder, `${name}.txt`);

// A plugin for the tests that maintains a file for each greeting.
await definePlugin<Greeting, { GreetingStyle: Style }>({
  name: process.env.GREETING_PLUGIN ?? 'Plain',
  version: process.env.GREETING_VERSION ?? '1.0.0',
  api: { name: 'Greeting', version: '1.0.0', extensionKinds: ['GreetingStyle'], capabilities: { medium: 'file' } },
  async reconcile({ base, extensions }) {
    const { to } = base.spec;
    if (!to) throw terminal('spec.to is empty; name who is greeted', { reason: 'NobodyGreeted' });
    const style = extensions.get('GreetingStyle');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'begun'), to);
    await delay(Number(process.env.GREETING_DELAY ?? 0));
    const words = `Hello, ${to}!`;
    const text = style?.spec.shout ? words.toUpperCase() : words;
    await writeFile(fileOf(base.metadata.name), text);
    return {
      status: { file: `${base.metadata.name}.txt`, letters: text.length },
      extensions: style ? [{ extension: style, status: { shouted: style.spec.shout ?? false, uses: [text] } }] : [],
      conditions: [{ type: 'Written', status: true, reason: 'FileWritten' }],
      events: [{ reason: 'Greeted', message: `wrote a greeting to ${to}` }],
    };
  },
  async finalize({ base }) {
    await rm(fileOf(base.metadata.name), { force: true });
  },
}).serve();
