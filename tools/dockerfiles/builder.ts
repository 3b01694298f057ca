import { type ChildProcess, spawn } from 'node:child_process';
import { type Command, runWithProgress } from '../languages/run-with-progress.ts';
import { ask } from '../languages/toolchain.ts';

/** Program that builds images from Dockerfiles and runs them, on the network of this machine. */
export interface Builder {
  name: string;
  /** True if it pulls base images from a registry. */
  hasRegistry: boolean;
  /** Command of a build, to which the arguments of `docker build` are added. */
  build: readonly string[];
  /** Arguments that run a shell script in an image, as the image's user. Its standard input is that of the command. */
  run: (image: string, script: string) => string[];
}

/** Finds Docker with a running engine, or else the command in `KPLUG_BUILD_IMAGE`. */
export async function findBuilder(): Promise<Builder | undefined> {
  const { KPLUG_BUILD_IMAGE: command } = process.env;
  if (command) {
    return {
      name: command,
      hasRegistry: false,
      build: [command],
      run: (image, script) => [command, '--run', image, '--', 'sh', '-c', script],
    };
  }
  if (!(await ask('docker', ['version', '--format', '{{ .Server.Version }}']))) return undefined;
  const run = ['docker', 'run', '--rm', '--interactive', '--network=host', '--entrypoint=sh'];
  return {
    name: 'docker',
    hasRegistry: true,
    build: ['docker', 'build', '--network=host'],
    run: (image, script) => [...run, image, '-c', script],
  };
}

/** Builds an image. Rejects with the last output when that fails. */
export async function buildImage(builder: Builder, args: readonly string[], title: string): Promise<void> {
  const [program = '', ...first] = builder.build;
  const command: Command = { program, args: [...first, ...args], cwd: '.', title, env: { DOCKER_BUILDKIT: '1' } };
  await runWithProgress(command, (message) => console.error(message));
}

/** Output of a shell script in an image. Rejects with all output when it fails. */
export async function runInImage(builder: Builder, image: string, script: string): Promise<string> {
  const { child, output } = spawnInImage(builder, image, script);
  child.stdin?.end();
  const code = await exitOf(child);
  if (code !== 0) throw new Error(`in ${image}, \`${script}\` exited with ${code}:\n${output()}`);
  return output();
}

/** Process of a program that runs in an image until it is stopped. */
export class RunningImage {
  readonly image: string;
  readonly #child: ChildProcess;
  readonly #output: () => string;

  /** @param command words of the program, quoted for a shell. */
  constructor(builder: Builder, image: string, command: string, preparation = ':') {
    this.image = image;
    // The end of the standard input stops it: a signal to the builder would not reach the program in all builders.
    const script = `${preparation}\n${command} </dev/null & pid=$!\nread _\nkill -TERM $pid\nwait $pid`;
    const { child, output } = spawnInImage(builder, image, script);
    this.#child = child;
    this.#output = output;
  }

  get output(): string {
    return this.#output();
  }

  /** Exit code of the builder's command, if it has ended. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Stops the program by SIGTERM. Returns its exit code. */
  async stop(): Promise<number | null> {
    this.#child.stdin?.end('\n');
    return await exitOf(this.#child);
  }
}

function spawnInImage(builder: Builder, image: string, script: string) {
  const [program = '', ...args] = builder.run(image, script);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text += chunk;
    });
  return { child, output: () => text };
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
}
