import { exitCodes } from '../../../packages/cli/src/exit-codes.ts';
import { processTerminal } from '../../../packages/cli/src/output/terminal.ts';
import { buildProgram } from '../../../packages/cli/src/program.ts';
import { cell, code, type GeneratedPage, generatedBy, page, table } from './markdown.ts';

type Command = ReturnType<typeof buildProgram>;

/** Page of the commands, from their definitions. */
export function cliPage(): GeneratedPage {
  const program = buildProgram(processTerminal());
  const exits = exitCodes.map((exit) => [String(exit.code), cell(exit.meaning)]);
  const content = page(
    '# Command line',
    generatedBy('the definitions of the commands'),
    sentence(program.description()),
    'Install it with `npm install --global @kplug/cli`, or run it with `npx @kplug/cli`. `--help` after a command prints what this page has.',
    table(
      ['command', 'what it does'],
      subcommands(program).map((command) => [
        `[\`kplug ${command.name()}\`](#${anchorOf(command)})`,
        summaryOf(command),
      ]),
    ),
    '## Global options',
    optionTable(program),
    '## Exit codes',
    table(['code', 'meaning'], exits),
    ...subcommands(program).flatMap((command) => describe(command, '##')),
  );
  return { file: 'docs/reference/cli.md', content };
}

/** Section of a command, followed by those of its subcommands. */
function describe(command: Command, heading: string): (string | string[])[] {
  const helper = command.createHelp();
  const args = helper
    .visibleArguments(command)
    .map((argument) => [code(helper.argumentTerm(argument)), cell(helper.argumentDescription(argument))]);
  return [
    `${heading} \`${nameOf(command)}\``,
    sentence(command.description()),
    ['```text', helper.commandUsage(command), '```'],
    args.length > 0 ? table(['argument', 'meaning'], args) : '',
    command.name() === 'operator'
      ? 'The options are in [Settings](../operator-configuration.md#settings).'
      : optionTable(command),
    ...notesOf(command),
    ...subcommands(command).flatMap((sub) => describe(sub, `${heading}#`)),
  ];
}

function optionTable(command: Command): string[] | string {
  const helper = command.createHelp();
  const rows = helper
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
    .map((option) => [code(helper.optionTerm(option)), cell(helper.optionDescription(option))]);
  return rows.length > 0 ? table(['option', 'meaning'], rows) : '';
}

/** Text that the help prints below the options: paragraphs, and examples. */
function notesOf(command: Command): string[] {
  return afterHelp(command)
    .split(/\n{2,}/)
    .flatMap((block) => {
      const [first = '', ...rest] = block.split('\n');
      if (first.startsWith(' ')) return fence('text', block.split('\n'));
      if (rest.every((line) => !line.startsWith('  '))) return [block];
      return [first, ...fence(first === 'Examples:' ? 'sh' : 'text', rest)];
    });
}

function fence(language: string, lines: readonly string[]): string[] {
  return [[`\`\`\`${language}`, ...lines.map((line) => line.replace(/^ {2}/, '')), '```'].join('\n')];
}

function afterHelp(command: Command): string {
  let text = '';
  command.configureOutput({
    getOutHelpWidth: () => 80,
    getOutHasColors: () => false,
    writeOut: (more) => (text += more),
  });
  command.outputHelp();
  const help = command.helpInformation();
  if (!text.startsWith(help)) throw new Error(`${nameOf(command)}: the help does not begin with its options`);
  return text
    .slice(help.length)
    .trim()
    .replaceAll(/[ \t]+$/gm, '');
}

function subcommands(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((sub) => sub.name() !== 'help');
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

function anchorOf(command: Command): string {
  return nameOf(command).replaceAll(' ', '-');
}

function summaryOf(command: Command): string {
  return cell(command.description());
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${trimmed.endsWith('.') ? '' : '.'}`;
}
