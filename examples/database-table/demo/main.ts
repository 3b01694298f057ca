import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Narrator, plainNarrator, seconds, terminalNarrator } from './narrator.ts';
import { openPage } from './open-page.ts';
import { Stage } from './stage.ts';
import { type Audience, Story } from './story.ts';

const help = `pnpm demo [--keep | --watch [--pause SECONDS]] [--plain]

  Shows what Kplug does, with real databases and processes, in a temporary directory that is removed at the end.

  --keep    keep everything running until Ctrl-C, to explore it
  --watch   open the page of the operator in the browser, tell the story slowly, and keep everything running
  --pause   time to look at the page after each chapter (default: 8)
  --plain   print plain lines, as without a terminal
`;

const { values: flags } = parseArgs({
  options: {
    keep: { type: 'boolean' },
    watch: { type: 'boolean' },
    pause: { type: 'string', default: '8' },
    plain: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});

/** Longest time for the cleanup, in milliseconds. A database that is still starting can be stopped only once it runs. */
const cleanupTimeout = 70_000;

if (flags.help) process.stdout.write(help);
else process.exitCode = await demo(process.stdout.isTTY && !flags.plain ? terminalNarrator : plainNarrator);

async function demo(narrator: Narrator): Promise<number> {
  const startedAt = performance.now();
  const interrupted = interruption();
  const stage = await Stage.open();
  try {
    const finished = await Promise.race([
      new Story(stage, narrator, flags.watch ? watching(stage, narrator) : undefined).tell().then(() => true),
      interrupted,
    ]);
    if (!finished) {
      narrator.fail('interrupted; cleaning up');
      return 130;
    }
    const commands = explore(stage);
    if (flags.keep || flags.watch) {
      narrator.suggest('To explore, in another terminal:', commands);
      narrator.end('Everything keeps running. Press Ctrl-C to stop.');
      await interrupted;
    } else {
      narrator.say('`npx -y pnpm@12 demo --keep` keeps it running; `--watch` opens a browser.');
      narrator.suggest('Explore it then with commands such as:', commands);
      narrator.end(`Finished in ${seconds(performance.now() - startedAt)}.`);
    }
    return 0;
  } catch (error) {
    narrator.fail(error instanceof Error ? error.message : String(error));
    await showLogs(stage);
    return 1;
  } finally {
    const giveUp = setTimeout(() => {
      stage.abandon();
      process.exit(1);
    }, cleanupTimeout);
    await stage.close();
    clearTimeout(giveUp);
  }
}

/** Opens the page when the operator has started, and leaves time to look at it after each chapter. */
function watching(stage: Stage, narrator: Narrator): Audience {
  return {
    takeSeat: async () => narrator.say(await openPage(stage.operator.pageUrl)),
    // A demo that is interrupted meanwhile ends at once.
    look: () => sleep(Number(flags.pause) * 1_000, undefined, { ref: false }),
  };
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

/**
 * Resolves to false on the first signal to stop. Later ones must not end the process before it has cleaned up: package managers forward a
 * signal that the terminal has already sent to the whole process group.
 */
function interruption(): Promise<false> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(false));
  });
}

/** Prints the last lines of each log after a failure. */
async function showLogs(stage: Stage): Promise<void> {
  for (const file of await readdir(stage.logs)) {
    const lines = (await readFile(join(stage.logs, file), 'utf8')).trimEnd().split('\n').slice(-8);
    console.error(`\n-- last lines of ${file}\n${lines.join('\n')}`);
  }
}
