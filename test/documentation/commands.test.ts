import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { processTerminal } from '../../packages/cli/src/output/terminal.ts';
import { buildProgram } from '../../packages/cli/src/program.ts';
import { promptedCommands, shellCommands } from './shell-commands.ts';
import { placeOf, root, type Snippet, snippetsIn } from './snippets.ts';

type Command = ReturnType<typeof buildProgram>;

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const terminal = processTerminal();

const snippets = snippetsIn('sh', 'console', 'yaml').filter((snippet) => commandsOf(snippet).length > 0);

/** Returns the commands of a snippet, which start with the program. */
function commandsOf({ language, code }: Snippet): string[][] {
  if (language === 'sh') return shellCommands(code);
  if (language === 'console') return promptedCommands(code);
  return [...code.matchAll(/^\s*- run: (.*)$/gm)].flatMap(([, line = '']) => shellCommands(line));
}

/** Returns the faults of a command. Programs that are not of this repository have none. */
function faultsOf([program, ...args]: readonly string[]): string[] {
  if (program === 'npx') return faultsOfNpx(args);
  if (program === 'kplug') return faultsOfArguments(buildProgram(terminal), args);
  return program === 'kplug-operator' ? faultsOf(['kplug', 'operator', ...args]) : [];
}

function faultsOfNpx(args: readonly string[]): string[] {
  const [name, ...rest] = args.filter((word) => !['-y', '--yes', '-s'].includes(word));
  if (name === '-p') return faultsOf(rest.slice(1));
  if (name === '@kplug/cli' || name === 'kplug') return faultsOf(['kplug', ...rest]);
  const [script = '', ...more] = rest;
  if (name !== 'pnpm@12') return [`npx runs ${name}`];
  if (script === 'exec') return faultsOf(more);
  if (script === 'kplug') return faultsOf(more[0] === '…' ? [] : ['kplug', ...more]);
  return script in scripts || script === 'install' ? [] : [`package.json has no script ${script}`];
}

/** Checks the options and the number of arguments of a command of commander. */
function faultsOfArguments(command: Command, args: readonly string[]): string[] {
  const { operands, unknown } = command.parseOptions([...args]);
  const [name = ''] = operands;
  const sub = command.commands.find((one) => one.name() === name);
  if (sub) return faultsOfArguments(sub, args.slice(args.indexOf(name) + 1));
  const byDefault = command.commands.find(
    (one) => one.name() === (command as { _defaultCommandName?: string })._defaultCommandName,
  );
  if (byDefault) return faultsOfArguments(byDefault, args);
  const { registeredArguments: declared } = command;
  const least = declared.filter(({ required }) => required).length;
  const most = declared.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : declared.length;
  const count = operands.length;
  return [
    ...unknown.filter((word) => word.startsWith('-')).map((word) => `${command.name()} has no option ${word}`),
    ...(count < least || count > most ? [`${command.name()} has ${count} arguments: ${operands.join(' ')}`] : []),
  ];
}

describe('the commands of the documents', () => {
  it.each(snippets.map((snippet) => [placeOf(snippet), snippet] as const))(
    'exist, with their options, at %s',
    (_, snippet) => {
      expect(commandsOf(snippet).flatMap(faultsOf)).toEqual([]);
    },
  );

  // The examples of the help name files of users.
  const ofRepository = snippets.filter(({ document }) => document !== 'docs/reference/cli.md');
  it.each(ofRepository.map((snippet) => [placeOf(snippet), snippet] as const))(
    'name files that exist, at %s',
    (_, snippet) => {
      const folders = [root, join(root, dirname(snippet.document))];
      const missing = commandsOf(snippet).flatMap((words) =>
        words
          .filter(
            (word) => /^(\.\.\/)*(examples|charts|deploy|packages)\/[\w./-]+$/.test(word) && !word.includes('/.venv/'),
          )
          .filter((word) => !folders.some((folder) => existsSync(join(folder, word)))),
      );
      expect(missing).toEqual([]);
    },
  );

  it('exist where the text names them', () => {
    const faults = [...new Set(snippets.map(({ document }) => document))].flatMap((document) => {
      const text = readFileSync(join(root, document), 'utf8');
      return [...text.matchAll(/`((?:kplug|npx) [^`]*)`/g)].flatMap(([, code = '']) => {
        // Without the brackets and bars of a synopsis. The text may leave out arguments.
        const [words = []] = shellCommands(code.replaceAll(/[[\]]|\\?\|\S*/g, ''));
        return faultsOf(words)
          .filter((fault) => !fault.includes(' arguments: '))
          .map((fault) => `${document}: ${code}: ${fault}`);
      });
    });
    expect(faults).toEqual([]);
  });

  it('are found faulty when they are', () => {
    expect(faultsOf(['kplug', 'get'])).toEqual(['get has 0 arguments: ']);
    expect(faultsOf(['kplug', 'plugins', '--colour', 'red'])).toContain('list has no option --colour');
    expect(faultsOf(['kplug', 'plugins', 'fetch', '--plugin-dir', 'a'])).toContain('fetch has no option --plugin-dir');
    expect(faultsOf(['npx', '-y', 'pnpm@12', 'nothing'])).toEqual(['package.json has no script nothing']);
    expect(faultsOf(['npx', '-p', '@kplug/operator', 'kplug-operator', '--manifest', 'a'])).not.toEqual([]);
  });
});
