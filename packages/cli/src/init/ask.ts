import type { Readable, Writable } from 'node:stream';
import { isCancel, select, text } from '@clack/prompts';
import { CommandError } from '../command-error.ts';
import { requireEmpty } from './new-folder.ts';
import { type Project, projects, projectTypes } from './project.ts';
import { defaultFor, faultOf, fields, type Language, languages, type ProjectNames, rules } from './project-names.ts';

/** Streams of the questions and answers. */
export interface PromptStreams {
  input: Readable;
  output: Writable;
}

/** Options of a new project. Some may be missing. */
export interface ProjectChoice extends Partial<ProjectNames> {
  project?: Project | undefined;
  folder?: string | undefined;
  /** Language of a plugin. */
  language?: Language | undefined;
}

/** Asks for missing options. Rejects when the user cancels. */
export async function ask(given: ProjectChoice, streams: PromptStreams): Promise<ProjectChoice> {
  const choice: ProjectChoice = { ...given };
  const projectOptions = projects.map((value) => ({ value, ...projectTypes[value] }));
  choice.project ??= await answer(select({ ...streams, message: 'Create', options: projectOptions }));
  const { folder: defaultValue } = projectTypes[choice.project];
  choice.folder ??= await answer(text({ ...streams, message: 'Directory', placeholder: defaultValue, defaultValue }));
  // Checked before the user answers the other questions.
  await requireEmpty(choice.folder);
  if (choice.project === 'plugin') {
    choice.language ??= await answer(
      select({ ...streams, message: 'Language', options: languages.map((value) => ({ value })) }),
    );
  }
  const { folder } = choice;
  for (const field of fields) {
    const initialValue = defaultFor(field, choice, folder);
    const message = rules[field].prompt;
    const validate = (value: string | undefined) => faultOf(field, value ?? '');
    choice[field] ??= await answer(text({ ...streams, message, initialValue, validate }));
  }
  return choice;
}

async function answer<T>(question: Promise<T>): Promise<Exclude<T, symbol>> {
  const given = await question;
  if (isCancel(given)) throw new CommandError('failed', 'cancelled; no file was written');
  return given as Exclude<T, symbol>;
}
