import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A command that takes a while. */
export interface Command {
  program: string;
  args: readonly string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** What is being done, for people. */
  title: string;
}

/** How often progress is told, in milliseconds. Nothing is told of what takes less. */
const interval = 10_000;

/** Runs a command to its end and tells how far it is. Rejects with what it printed last when it fails. */
export function runWithProgress(command: Command, progress: (message: string) => void): Promise<void> {
  const { program, args, cwd, env, title } = command;
  const startedAt = performance.now();
  const last: string[] = [];
  const tell = () =>
    progress(`${title}, ${Math.round((performance.now() - startedAt) / 1000)} s: ${last.at(-1) ?? ''}`);
  const timer = setInterval(tell, interval);
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
      const complaint = `${[program, ...args].join(' ')} in ${cwd} ended with ${code}:\n${last.join('\n')}`;
      end(code === 0 ? undefined : new Error(complaint));
    });
  });
}
