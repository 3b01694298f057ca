import { type Command, Option } from 'commander';
import type { ConformControllerOptions, ConformPluginOptions } from '../actions/conformance.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, outputOption, protocolOption } from './options.ts';

/** `kplug conformance` and what is below it. */
export function addConformanceCommand(program: Command, terminal: Terminal): void {
  const conformance = program
    .command('conformance')
    .description('try whether a plugin or a controller does what the specification requires')
    .addHelpText(
      'after',
      examples(
        'kplug conformance plugin localhost:7000 --resource users.yaml',
        'kplug conformance plugin --resource users.yaml --junit report.xml -- node plugin.ts',
        'kplug conformance controller localhost:50050',
      ),
    );
  addPluginCommand(conformance, terminal);
  addControllerCommand(conformance, terminal);
}

function addPluginCommand(conformance: Command, terminal: Terminal): void {
  addOptions(conformance.command('plugin'), reportOptions())
    .description('try a plugin, from the side of a controller')
    .argument('<address-or-command...>', 'where it runs, as host:port; or -- and a command that starts it')
    .option('--resource <file...>', 'base and extensions to try it with; - is standard input (default: an empty spec)')
    .option('--kind <kind>', "the base's kind, where it is not clear")
    .addOption(protocolOption('as a plugin that is started beats; kplug.v1 for an address'))
    .option('--timeout <duration>', 'how long a call may take', '10s')
    .option('--interval <duration>', 'the interval at which a plugin that is started is told to beat', '1s')
    .addHelpText('after', aboutPlugins)
    .addHelpText(
      'after',
      examples(
        'kplug conformance plugin localhost:7000 --resource users.yaml',
        'kplug conformance plugin --resource base.yaml --resource extension.yaml -- python3 plugin.py',
        'kplug conformance plugin --only P5,P6 -o junit -- ./plugin > report.xml',
        'kplug conformance plugin localhost:50050 --protocol kplug --resource users.yaml',
      ),
    )
    .action(async (what: string[], options: ConformPluginOptions) => {
      const { conformPlugin } = await import('../actions/conformance.ts');
      await conformPlugin(what, options, terminal);
    });
}

function addControllerCommand(conformance: Command, terminal: Terminal): void {
  addOptions(conformance.command('controller'), reportOptions())
    .description('try a controller, from the side of a plugin; needs no cluster')
    .argument('<address>', "an operator's heartbeat port, as host:port")
    .option('--api <name@version>', 'a plugin API that it asks for, which is then implemented (default: none)')
    .option('--resource <file...>', 'with --api: a base that it delegates to that API, and its extensions')
    .option('--kind <kind>', "the base's kind, where it is not clear")
    .option('--manifests <dir>', 'with --api: the directory that it runs on, where the resources are put for the trial')
    .addHelpText('after', aboutControllers)
    .addHelpText(
      'after',
      examples(
        'kplug conformance controller localhost:50050',
        'kplug conformance controller operator:50050 -o json',
        'kplug conformance controller localhost:50050 --api Table@1.0.0 --resource users.yaml --manifests manifests',
      ),
    )
    .action(async (address: string, options: ConformControllerOptions) => {
      const { conformController } = await import('../actions/conformance.ts');
      await conformController(address, options, terminal);
    });
}

function reportOptions(): Option[] {
  return [
    outputOption(['table', 'json', 'junit']),
    new Option('--junit <file>', 'write a report for CI there as well'),
    new Option('--only <numbers...>', 'try only the requirements of these numbers, such as P5,P6'),
  ];
}

const aboutPlugins = `
The plugin is really called, with the resource that is given and others named after it, and does its work; what it
made is undone at the end. A plugin that is started finds its controller by KPLUG_CONTROLLER; what needs that is not
tried where only an address is given.
A plugin of the first Kplug's protocol is tried by the requirements F1 to F7. One that is started is recognized by its
heartbeats; --protocol says so otherwise, and is told to the plugin as KPLUG_PROTOCOL.
Exits with 1 when something that MUST be met isn't. What SHOULD be met and isn't is a warning.`;

const aboutControllers = `
It registers instances of a plugin Conformance with an API that nothing asks for; they go with their leases.
With --api, --resource and --manifests it implements that API too, and puts copies of the base (users-c8, users-c9, ...) and
the extensions into the directory while it runs: what becomes of them is looked at. No other plugin of that API may run.
Exits with 1 when something that MUST be met isn't. What SHOULD be met and isn't is a warning.`;
