import { type Command, Option } from 'commander';
import type { RenderOptions } from '../actions/render.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples, outputOption } from './options.ts';

/** `kplug render` */
export function addRenderCommand(program: Command, terminal: Terminal): void {
  program
    .command('render')
    .description('make one pass over manifests with one plugin, and print what an operator would write')
    .argument('<file...>', 'files of manifests, base and extensions; - is standard input')
    .requiredOption('--plugin <address>', 'the plugin that is called, as host:port')
    .option('--delegation <file>', 'what is delegated and how; without it, what manifests and plugin suggest')
    .addOption(new Option('--kind <kind>', 'the kind that is delegated, where it is not clear').conflicts('delegation'))
    .addOption(outputOption(['yaml', 'json']))
    .addHelpText('after', aboutRender)
    .addHelpText(
      'after',
      examples(
        'kplug render users.yaml --plugin localhost:7000',
        'kplug render base.yaml extensions.yaml --plugin localhost:7000 --delegation kplug.yaml -o json',
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
Exits with 1 when a resource that is delegated isn't ready after the pass.`;
