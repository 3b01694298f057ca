import { type Command, Option } from 'commander';
import type { ConformControllerOptions, ConformPluginOptions } from '../actions/conformance.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, heartbeatOptions, outputOption, protocolOption } from './options.ts';

/** Adds `kplug conformance` and its subcommands. */
export function addConformanceCommand(program: Command, terminal: Terminal): void {
  const conformance = program
    .command('conformance')
    .description('check that a plugin or a controller meets the plugin specification')
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
    .description('check a plugin by calling it as a controller does')
    .argument('<address-or-command...>', 'host:port of a running plugin, or -- and a command that starts it')
    .option('--resource <file...>', 'base and extensions to call it with; - reads stdin (default: an empty spec)')
    .option('--kind <kind>', 'kind of the base, if it is ambiguous')
    .addOption(protocolOption('that of the heartbeats of a started plugin; kplug.v1 for an address'))
    .option('--timeout <duration>', 'deadline of each call', '10s')
    .option('--interval <duration>', 'heartbeat interval granted to a started plugin', '1s')
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
  addOptions(conformance.command('controller'), [...reportOptions(), ...heartbeatOptions()])
    .description('check a controller by acting as a plugin; needs no cluster')
    .argument('<address>', "host:port of an operator's heartbeat port")
    .option('--api <name@version>', 'plugin API of a delegation, which the suite implements (default: none)')
    .option('--resource <file...>', 'with --api: a base of the delegation, and its extensions')
    .option('--kind <kind>', 'kind of the base, if it is ambiguous')
    .option('--manifests <dir>', 'with --api: manifest directory of the operator, for the resources')
    .option('--call-timeout <duration>', "time for each expected call; longer than the controller's back-off", '20s')
    .addHelpText('after', aboutControllers)
    .addHelpText(
      'after',
      examples(
        'kplug conformance controller localhost:50050',
        'kplug conformance controller operator:50050 --ca ca.crt --token-file token -o json',
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
    new Option('--junit <file>', 'also write a JUnit report to a file'),
    new Option('--only <numbers...>', 'check only these requirements, such as P5,P6'),
  ];
}

const aboutPlugins = `
The suite calls the plugin with the given resource and with copies of it under
other names. The plugin does its real work; at the end the suite finalizes all
resources. A started plugin gets the address of its controller in
KPLUG_CONTROLLER. Requirements that need the process are not tried when only an
address is given.
Plugins of the first Kplug's protocol are checked by the requirements F1 to F7.
A started plugin is recognized by its heartbeats; --protocol overrides that and
is passed to the plugin as KPLUG_PROTOCOL.
Exits with 1 when a MUST is not met. A SHOULD that is not met is a warning.`;

const aboutControllers = `
The suite registers instances of the plugin Conformance for an API that no
delegation asks for. With --api, --resource and --manifests it also implements
that API, and writes copies of the base (users-c8, users-c9, ...) and the
extensions to the directory while it runs. Stop other plugins of that API
first, and start the operator with --max-deletions 100%: otherwise it may hold
the deletions of the copies.
Exits with 1 when a MUST is not met. A SHOULD that is not met is a warning.`;
