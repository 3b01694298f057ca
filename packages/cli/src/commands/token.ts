import { type Command, Option } from 'commander';
import type { CreateTokenOptions } from '../actions/create-token.ts';
import type { ListTokensOptions } from '../actions/list-tokens.ts';
import type { RotateTokenOptions } from '../actions/rotate-token.ts';
import { defaultTokenFile, tokenFileVariable } from '../input/token-file.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples, outputOption } from './options.ts';

/** Adds `kplug token` and its subcommands. */
export function addTokenCommand(program: Command, terminal: Terminal): void {
  const token = program
    .command('token')
    .description('create, list, rotate and revoke the tokens of plugins outside of a cluster; needs no operator')
    .addHelpText('after', aboutTokens)
    .addHelpText(
      'after',
      examples(
        'kplug token create build-server --plugin PostgreSQL > token',
        'kplug token list',
        'kplug token rotate build-server > token.new && mv token.new token',
        'kplug token revoke build-server',
      ),
    );
  addCreateCommand(token, terminal);
  addListCommand(token, terminal);
  addRotateCommand(token, terminal);
  addRevokeCommand(token, terminal);
}

function addCreateCommand(token: Command, terminal: Terminal): void {
  token
    .command('create')
    .description('create a token, and print it once')
    .argument('<token-name>', 'name of the token, for people')
    .addOption(
      new Option('--plugin <plugin>', 'plugin that may use it, with * and ? as wildcards; repeatable')
        .argParser((value: string, previous: string[] = []) => [...previous, ...value.split(',')])
        .makeOptionMandatory(),
    )
    .option('--expires <lifetime>', 'lifetime, such as 90d or 12h (default: it never expires)')
    .addOption(fileOption())
    .addHelpText('after', aboutCreating)
    .addHelpText(
      'after',
      examples(
        'kplug token create build-server --plugin PostgreSQL --expires 90d',
        'KPLUG_TOKEN=$(kplug token create dev --plugin "*") ./my-plugin',
      ),
    )
    .action(async (name: string, options: CreateTokenOptions) => {
      const { createTokenOf } = await import('../actions/create-token.ts');
      await createTokenOf(name, options, terminal);
    });
}

function addListCommand(token: Command, terminal: Terminal): void {
  token
    .command('list')
    .description('list the tokens of the file, without their content')
    .addOption(fileOption())
    .addOption(outputOption(['table', 'json', 'yaml']))
    .addHelpText('after', examples('kplug token list', 'kplug token list --file tokens.yaml -o json'))
    .action(async (options: ListTokensOptions) => {
      const { listTokensOf } = await import('../actions/list-tokens.ts');
      await listTokensOf(options, terminal);
    });
}

function addRotateCommand(token: Command, terminal: Terminal): void {
  token
    .command('rotate')
    .description('replace a token by a new one of the same name, and print that once')
    .argument('<token>', 'name of the token')
    .addOption(
      new Option('--overlap <time>', 'time for which the former token stays valid, from 0 to 30d').default('1h'),
    )
    .option('--expires <lifetime>', 'lifetime of the new token (default: as long as the former one)')
    .addOption(fileOption())
    .addHelpText('after', aboutRotating)
    .addHelpText(
      'after',
      examples(
        'kplug token rotate build-server > token.new && mv token.new token',
        'kplug token rotate build-server --overlap 7d',
        'kplug token rotate build-server --overlap 0',
      ),
    )
    .action(async (name: string, options: RotateTokenOptions) => {
      const { rotateTokenOf } = await import('../actions/rotate-token.ts');
      await rotateTokenOf(name, options, terminal);
    });
}

function addRevokeCommand(token: Command, terminal: Terminal): void {
  token
    .command('revoke')
    .description('remove a token from the file; a running operator then refuses it')
    .argument('<token>', 'name of the token')
    .addOption(fileOption())
    .addHelpText('after', examples('kplug token revoke build-server'))
    .action(async (name: string, options: { file?: string }) => {
      const { revokeTokenOf } = await import('../actions/revoke-token.ts');
      await revokeTokenOf(name, options, terminal);
    });
}

function fileOption(): Option {
  return new Option(
    '--file <file>',
    `token file, as for --heartbeat-tokens of the operator (default: ${defaultTokenFile}; ${tokenFileVariable})`,
  );
}

const aboutTokens = `
A plugin outside of a cluster proves by a token which plugins it may be. The
operator reads the file of its flag --heartbeat-tokens, which has only hashes of
the tokens, and reads it again when it changes.`;

const aboutRotating = `
The new token has the plugins and the lifetime of the former one. Both are valid
for the overlap, with the same instances, so that a plugin that gets the new one
meanwhile is never refused. The SDKs read KPLUG_TOKEN_FILE again when it
changes. With --overlap 0 the former token ends immediately, as after a leak.`;

const aboutCreating = `
Prints the token, and nothing else, to standard output. It is not stored: keep
it in a file that only the plugin may read, and name that in KPLUG_TOKEN_FILE.
Creates the token file if it does not exist, with access for its owner only.`;
