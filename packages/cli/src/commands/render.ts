import { type Command, Option } from 'commander';
import type { RenderOptions } from '../actions/render.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples, outputOption, protocolOption } from './options.ts';

/** `kplug render` */
export function addRenderCommand(program: Command, terminal: Terminal): void {
  program
    .command('render')
    .description('make one pass over manifests with one plugin, and print what an operator would write')
    .argument('<file...>', 'files of manifests, base and extensions; - is standard input')
    .requiredOption('--plugin <address>', 'the plugin that is called, as host:port')
    .addOption(protocolOption('kplug.v1'))
    .option('--name <name>', 'the name of a plugin whose protocol is kplug, in which it is not asked for it', 'Plugin')
    .option('--config <file>', 'what is delegated and how; without it, what manifests and plugin suggest')
    .addOption(new Option('--kind <kind>', 'the kind that is delegated, where it is not clear').conflicts('config'))
    .addOption(outputOption(['yaml', 'json']))
    .addHelpText('after', aboutRender)
    .addHelpText(
      'after',
      examples(
        'kplug render users.yaml --plugin localhost:7000',
        'kplug render base.yaml extensions.yaml --plugin localhost:7000 --config kplug.yaml -o json',
        'kplug render users.yaml --plugin localhost:50050 --protocol kplug --name PostgreSQL',
        'kustomize build overlay | kplug render - --plugin localhost:7000',
      ),
    )
    .action(async (files: string[], options: RenderOptions) => {
      const { render } = await import('../actions/render.ts');
      await render(files, options, terminal);
    });
}

const aboutRender = `
Kplug itself writes nothing, but the plugin is really called and does its work. Needs no operator.
A plugin of the first Kplug's protocol (--protocol kplug) can't be asked what it is: it is taken to be called as --name says
and to implement what is delegated, and its create is called.
Exits with 1 when a resource that is delegated isn't ready after the pass.`;
