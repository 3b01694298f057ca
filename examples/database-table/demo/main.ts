import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Narrator, plainNarrator, seconds, terminalNarrator } from './narrator.ts';
import { Stage } from './stage.ts';
import { Story } from './story.ts';

const help = `pnpm demo [--keep] [--plain]

  Tells what Kplug does, on real databases and real processes, in a temporary directory that goes at the end.

  --keep    leave everything running, to play with, until Ctrl-C
  --plain   plain lines, as without a terminal
`;

const { values: flags } = parseArgs({
  options: { keep: { type: 'boolean' }, plain: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});

/** How long ending may take, in milliseconds. What doesn't end until then is left to the system. */
const waitOptions = 10_000;

if (flags.help) process.stdout.write(help);
else process.exitCode = await demo(process.stdout.isTTY && !flags.plain ? terminalNarrator : plainNarrator);

async function demo(narrator: Narrator): Promise<number> {
  const startedAt = performance.now();
  const interrupted = interruption();
  const stage = await Stage.open();
  try {
    const told = await Promise.race([new Story(stage, narrator).tell().then(() => true), interrupted]);
    if (!told) {
      narrator.fail('interrupted; cleaning up');
      return 130;
    }
    const commands = explore(stage).join('\n');
    if (flags.keep) {
      narrator.show('To explore, in another terminal', commands);
      narrator.end('Everything goes on running. Ctrl-C ends it.');
      await interrupted;
    } else {
      narrator.show('To explore, `npx -y pnpm@12 demo --keep` leaves everything running, and prints such as', commands);
      narrator.end(`Told in ${seconds(performance.now() - startedAt)}.`);
    }
    return 0;
  } catch (error) {
    narrator.fail(error instanceof Error ? error.message : String(error));
    await showLogs(stage);
    return 1;
  } finally {
    const giveUp = setTimeout(() => process.exit(1), waitOptions);
    await stage.close();
    clearTimeout(giveUp);
  }
}

function explore({ operator, manifests }: Stage): string[] {
  const kplug = 'npx -y pnpm@12 kplug';
  const admin = `http://${operator.adminAddress}`;
  return [
    `${kplug} get databasetables --manifests ${manifests} -o wide`,
    `${kplug} explain databasetable/users --admin ${admin}`,
    `${kplug} plugins --admin ${admin}`,
    `curl -s -H 'content-type: application/json' -d '{}' ${admin}/kplug.v1.RegistryService/ListPlugins`,
  ];
}

/** Fulfilled, with false, when somebody presses Ctrl-C or asks the process to stop. */
function interruption(): Promise<false> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(false));
  });
}

/** The last lines of each log, for who has to find out why it failed. */
async function showLogs(stage: Stage): Promise<void> {
  for (const file of await readdir(stage.logs)) {
    const lines = (await readFile(join(stage.logs, file), 'utf8')).trimEnd().split('\n').slice(-8);
    console.error(`\n-- the end of ${file}\n${lines.join('\n')}`);
  }
}
