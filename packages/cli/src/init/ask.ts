import type { Readable, Writable } from 'node:stream';
import { isCancel, select, text } from '@clack/prompts';
import { CommandError } from '../command-error.ts';
import { requireEmpty } from './new-folder.ts';
import { defaultFor, faultOf, fields, type Language, languages, type PluginNames, rules } from './plugin-names.ts';

/** Where questions are asked and answered. */
export interface Interview {
  input: Readable;
  output: Writable;
}

/** What is known of a new plugin before and after it was asked for. */
export interface PluginChoice extends Partial<PluginNames> {
  folder?: string | undefined;
  language?: Language | undefined;
}

/** Asks for what isn't given. Rejects when the user gives up. */
export async function ask(given: PluginChoice, streams: Interview): Promise<PluginChoice> {
  const choice: PluginChoice = { ...given };
  choice.folder ??= await answer(
    text({ ...streams, message: 'Where should it be made?', placeholder: './my-plugin', defaultValue: './my-plugin' }),
  );
  // Before all the other questions are answered for nothing.
  await requireEmpty(choice.folder);
  choice.language ??= await answer(
    select({ ...streams, message: 'In which language?', options: languages.map((value) => ({ value })) }),
  );
  const { folder } = choice;
  for (const field of fields) {
    const initialValue = defaultFor(field, choice, folder);
    const message = `What is ${rules[field].description}?`;
    const validate = (value: string | undefined) => faultOf(field, value ?? '');
    choice[field] ??= await answer(text({ ...streams, message, initialValue, validate }));
  }
  return choice;
}

async function answer<T>(question: Promise<T>): Promise<Exclude<T, symbol>> {
  const given = await question;
  if (isCancel(given)) throw new CommandError('failed', 'given up; nothing was written');
  return given as Exclude<T, symbol>;
}
