import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Long-running command. */
export interface Command {
  program: string;
  args: readonly string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** Description of the work, for progress messages. */
  title: string;
}

/** Interval of progress messages, in milliseconds. Commands that take less print none. */
const interval = 10_000;

/** Runs a command and reports its progress. Rejects with its last output when it fails. */
export function runWithProgress(command: Command, progress: (message: string) => void): Promise<void> {
  const { program, args, cwd, env, title } = command;
  const startedAt = performance.now();
  const last: string[] = [];
  const report = () =>
    progress(`${title}, ${Math.round((performance.now() - startedAt) / 1000)} s: ${last.at(-1) ?? ''}`);
  const timer = setInterval(report, interval);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        if (line.trim()) last.push(line);
        if (last.length > 40) last.shift();
      });
    }
    const end = (error?: Error) => {
      clearInterval(timer);
      if (error) reject(error);
      else resolve();
    };
    child.on('error', end);
    child.on('close', (code) => {
      const message = `${[program, ...args].join(' ')} in ${cwd} exited with ${code}:\n${last.join('\n')}`;
      end(code === 0 ? undefined : new Error(message));
    });
  });
}
