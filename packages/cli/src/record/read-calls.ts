import { readFile } from 'node:fs/promises';
import { isJsonObject } from '@kplug/controller/tools';
import { messageOf, parseJson } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { type RecordedCall, readRequest, readResponse } from './recorded-call.ts';

/** Reads a file that `kplug record` wrote. Rejects with a `CommandError`, which names the line. */
export async function readCalls(file: string): Promise<RecordedCall[]> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new CommandError('usage', `cannot read ${file}: ${cause.message}`, { cause });
  });
  const calls = text
    .split('\n')
    .flatMap((line, index) => (line.trim() ? [readCall(line, `${file}:${index + 1}`)] : []));
  if (calls.length === 0) throw new CommandError('usage', `${file} contains no calls`);
  return calls;
}

/** Reads a line of such a file. Throws a `CommandError`, which names the place. */
export function readCall(line: string, place: string): RecordedCall {
  const call = parse(line, place);
  if (!isCall(call)) throw new CommandError('usage', `${place}: not a call recorded by "kplug record"`);
  try {
    readRequest(call.method, call.request);
    if (call.response !== undefined) readResponse(call.method, call.response);
    return call;
  } catch (cause) {
    throw new CommandError('usage', `${place}: malformed call: ${messageOf(cause)}`, { cause });
  }
}

function parse(line: string, place: string): unknown {
  try {
    return parseJson(line);
  } catch (cause) {
    throw new CommandError('usage', `${place}: not JSON: ${messageOf(cause)}`, { cause });
  }
}

function isCall(value: unknown): value is RecordedCall {
  return isJsonObject(value) && (value.method === 'Reconcile' || value.method === 'Finalize');
}
