import type { Argument, Command, Option } from 'commander';
import type { Candidate, Candidates } from './candidate.ts';
import { valuesOf } from './values.ts';

/** Words before the completed word, parsed. */
interface Line {
  command: Command;
  /** Number of arguments. */
  argumentCount: number;
  /** Option whose value is completed. */
  pending: Option | undefined;
  /** Values of options by their long names, and of arguments by their names. */
  typed: Map<string, string>;
}

const nothing: Candidates = { values: [], others: 'none' };

/** Completes the last word of a command line. @param words words after the program name. */
export async function complete(program: Command, words: readonly string[]): Promise<Candidates> {
  const { before, current, prefix } = split(words);
  const line = follow(program, before);
  const [, flag, start] = /^(--[^=]+)=(.*)$/.exec(current) ?? [];
  if (flag !== undefined && start !== undefined) {
    const option = optionsOf(line.command).find(({ long }) => long === flag);
    return option ? startingWith(start, await valuesOf(option, line.typed, start), prefix ?? `${flag}=`) : nothing;
  }
  if (line.pending) return startingWith(current, await valuesOf(line.pending, line.typed, current));
  if (current.startsWith('-')) return startingWith(current, flagCandidates(line.command));
  const argument = argumentAt(line);
  const { values, others } = argument ? await valuesOf(argument, line.typed, current) : nothing;
  const commands = line.argumentCount === 0 ? commandCandidates(line.command) : [];
  return startingWith(current, { values: [...commands, ...values], others });
}

/** Joins the words of shells that split `--output=ya` at `=`. Those replace only the last of the three words. */
function split(words: readonly string[]): { before: readonly string[]; current: string; prefix: string | undefined } {
  const last = words.length - 1;
  const current = words[last] ?? '';
  const [flag = '', equals] = current === '=' ? [words[last - 1], '='] : [words[last - 2], words[last - 1]];
  if (equals !== '=' || !flag.startsWith('--')) return { before: words.slice(0, -1), current, prefix: undefined };
  const value = current === '=' ? '' : current;
  return { before: words.slice(0, words.lastIndexOf(flag)), current: `${flag}=${value}`, prefix: '' };
}

function follow(program: Command, words: readonly string[]): Line {
  const line: Line = { command: program, argumentCount: 0, pending: undefined, typed: new Map() };
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
  const below = line.argumentCount === 0 ? line.command.commands.find((one) => one.name() === word) : undefined;
  const argument = argumentAt(line);
  if (argument) line.typed.set(argument.name(), word);
  line.command = below ?? line.command;
  line.argumentCount = below ? 0 : line.argumentCount + 1;
}

/** Returns the argument of the next word. A variadic last argument takes all further words. */
function argumentAt({ command, argumentCount }: Line): Argument | undefined {
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  return registeredArguments[argumentCount] ?? (last?.variadic ? last : undefined);
}

/** Returns the options of a command, its parents and its subcommands, as a subcommand may be the default. */
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
  const distinct = new Map(values.map((candidate) => [candidate.value, candidate]));
  return {
    values: [...distinct.values()]
      .filter(({ value }) => value.toLowerCase().startsWith(start.toLowerCase()))
      .map(({ value, description }) => ({ value: `${prefix}${value}`, description })),
    others,
  };
}
