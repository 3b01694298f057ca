import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { DirectoryLock } from './directory-lock.ts';

/** Acquires a lock at a given time, reports whether that succeeded, and holds it until its input ends. */
const [file = '', at = ''] = process.argv.slice(2);
await sleep(Math.max(0, Number(at) - Date.now()));
const lock = new DirectoryLock(file, 'tables');
const outcome = await lock.acquire().then(() => 'won', messageOf);
process.stdout.write(`${outcome}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
if (outcome === 'won') await lock.release();
