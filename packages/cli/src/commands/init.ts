import { type Command, Option } from 'commander';
import type { InitOptions } from '../actions/init-project.ts';
import type { Project } from '../init/project.ts';
import { languages } from '../init/project-names.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples } from './options.ts';

/** Adds `kplug init` and its subcommands. */
export function addInitCommand(program: Command, terminal: Terminal): void {
  const init = addProject(program.command('init'), undefined, terminal)
    .description('create a project: a kind with a plugin for it, or an operator')
    .addOption(languageOption())
    .addHelpText('after', about('Asks on a terminal what to create; otherwise that is a plugin.'))
    .addHelpText('after', examples('kplug init', 'kplug init first-fit --yes', 'kplug init first-fit --language go'));
  addProject(init.command('plugin'), 'plugin', terminal)
    .description('create a kind and a plugin, with tests, an image, manifests and a CI workflow')
    .addOption(languageOption())
    .addHelpText('after', about('The plugin works as it is: it divides networks into subnets.'))
    .addHelpText(
      'after',
      examples(
        'kplug init plugin',
        'kplug init plugin first-fit --language python --yes',
        'kplug init plugin --name PostgreSQL --kind DatabaseTable --group myorg.org --image ghcr.io/me/postgresql',
      ),
    );
  addProject(init.command('operator'), 'operator', terminal)
    .description('create an operator in TypeScript, with tests, an image, manifests and a CI workflow')
    .addHelpText('after', about('The operator hands a kind to plugins, by the library @kplug/controller.'))
    .addHelpText(
      'after',
      examples(
        'kplug init operator',
        'kplug init operator address-operator --kind AddressPlan --group example.org --yes',
      ),
    );
}

/** Adds what the commands have in common. Without a project, the user chooses one. */
function addProject(command: Command, project: Project | undefined, terminal: Terminal): Command {
  const named = project ?? 'project';
  return command
    .argument('[dir]', 'new or empty directory (default: the current directory)')
    .option('--name <word>', `name of the ${named}, such as FirstFit (default: from the directory's name)`)
    .option('--kind <word>', 'kind of its resources (default: AddressPlan)')
    .option('--group <domain>', 'API group of the kind (default: example.org)')
    .option('--api <name@version>', 'plugin API (default: named as the kind, version 1.0.0)')
    .option('--image <repository>', 'image without a tag (default: ghcr.io/example/NAME)')
    .option('-y, --yes', 'use the defaults without asking')
    .action(async (folder: string | undefined, _options: InitOptions, self: Command) => {
      const { initProject } = await import('../actions/init-project.ts');
      // Options of a subcommand that `init` has, too, are read as those of `init`.
      await initProject(folder, { ...self.optsWithGlobals<InitOptions>(), project }, terminal);
    });
}

function languageOption(): Option {
  return new Option('--language <language>', 'programming language of a plugin (default: typescript)').choices(
    languages,
  );
}

function about(sentence: string): string {
  return `
${sentence}
Asks on a terminal for options that are not given. Prints the created files, and
the commands to run next. Existing files are never overwritten.`;
}
