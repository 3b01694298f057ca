import type { Argument, Command, Option } from 'commander';
import type { Candidate, Candidates } from './candidate.ts';
import { valuesOf } from './values.ts';

/** What has been typed before the word that is being completed. */
interface Line {
  command: Command;
  /** How many arguments have been given. */
  given: number;
  /** The option whose value is being typed. */
  pending: Option | undefined;
  /** The values of options so far, by their long names, and of arguments by theirs. */
  typed: Map<string, string>;
}

const nothing: Candidates = { values: [], others: 'none' };

/** What may stand in place of the last of these words, which follow the program's name. */
export async function complete(program: Command, words: readonly string[]): Promise<Candidates> {
  const { before, current, prefix } = split(words);
  const line = follow(program, before);
  const [, flag, start] = /^(--[^=]+)=(.*)$/.exec(current) ?? [];
  if (flag !== undefined && start !== undefined) {
    const option = optionsOf(line.command).find(({ long }) => long === flag);
    return option ? startingWith(start, await valuesOf(option, line.typed), prefix ?? `${flag}=`) : nothing;
  }
  if (line.pending) return startingWith(current, await valuesOf(line.pending, line.typed));
  if (current.startsWith('-')) return startingWith(current, flagCandidates(line.command));
  const argument = argumentAt(line);
  const { values, others } = argument ? await valuesOf(argument, line.typed) : nothing;
  const commands = line.given === 0 ? commandCandidates(line.command) : [];
  return startingWith(current, { values: [...commands, ...values], others });
}

/** Shells that break words at `=` give `--output=ya` in three; what they replace is the last of these alone. */
function split(words: readonly string[]): { before: readonly string[]; current: string; prefix: string | undefined } {
  const last = words.length - 1;
  const current = words[last] ?? '';
  const [flag = '', equals] = current === '=' ? [words[last - 1], '='] : [words[last - 2], words[last - 1]];
  if (equals !== '=' || !flag.startsWith('--')) return { before: words.slice(0, -1), current, prefix: undefined };
  const value = current === '=' ? '' : current;
  return { before: words.slice(0, words.lastIndexOf(flag)), current: `${flag}=${value}`, prefix: '' };
}

function follow(program: Command, words: readonly string[]): Line {
  const line: Line = { command: program, given: 0, pending: undefined, typed: new Map() };
  for (const word of words) {
    if (line.pending) {
      line.typed.set(line.pending.name(), word);
      line.pending = undefined;
    } else if (word.startsWith('-') && word.length > 1) {
      takeFlag(line, word);
    } else {
      takeArgument(line, word);
    }
  }
  return line;
}

function takeFlag(line: Line, word: string): void {
  const [flag, value] = word.split('=', 2);
  const option = optionsOf(line.command).find(({ short, long }) => flag === short || flag === long);
  if (option && value !== undefined) line.typed.set(option.name(), value);
  else if (option?.required) line.pending = option;
}

function takeArgument(line: Line, word: string): void {
  const below = line.given === 0 ? line.command.commands.find((one) => one.name() === word) : undefined;
  const argument = argumentAt(line);
  if (argument) line.typed.set(argument.name(), word);
  line.command = below ?? line.command;
  line.given = below ? 0 : line.given + 1;
}

/** The argument that the next word is for; the last one takes any number where it is variadic. */
function argumentAt({ command, given }: Line): Argument | undefined {
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  return registeredArguments[given] ?? (last?.variadic ? last : undefined);
}

/** The options of a command, of those above it, and of those below, as a command may leave the one below to its default. */
function optionsOf(command: Command): Option[] {
  const { parent } = command;
  if (!parent) return visibleOptions(command);
  return [command, ...command.commands].flatMap(visibleOptions).concat(optionsOf(parent));
}

function visibleOptions(command: Command): Option[] {
  return command.createHelp().visibleOptions(command);
}

function flagCandidates(command: Command): Candidates {
  const values = optionsOf(command).flatMap(({ long, description }) => (long ? [{ value: long, description }] : []));
  return { values, others: 'none' };
}

function commandCandidates(command: Command): Candidate[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.map((one) => ({ value: one.name(), description: one.description() }));
}

function startingWith(start: string, { values, others }: Candidates, prefix = ''): Candidates {
  const fitting = new Map(values.map((candidate) => [candidate.value, candidate]));
  return {
    values: [...fitting.values()]
      .filter(({ value }) => value.toLowerCase().startsWith(start.toLowerCase()))
      .map(({ value, description }) => ({ value: `${prefix}${value}`, description })),
    others,
  };
}
