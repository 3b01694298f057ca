import type { Command } from 'commander';
import type { RecordOptions } from '../actions/record.ts';
import type { ReplayOptions } from '../actions/replay.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, heartbeatOptions, outputOption, pluginTlsOptions } from './options.ts';

/** Adds `kplug record`. */
export function addRecordCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('record'), heartbeatOptions())
    .description('record the calls between a controller and its plugins')
    .argument('<file>', 'output file, one call per line; appended to if it exists')
    .argument('[command...]', 'after --: a command that starts a plugin')
    .option('--controller <address>', "operator's heartbeat port", 'localhost:50050')
    .option('--listen <address>', 'address for heartbeats; port 0 picks a free port', '127.0.0.1:0')
    .addHelpText('after', aboutRecording)
    .addHelpText(
      'after',
      examples(
        'kplug record calls.jsonl -- node plugin.ts',
        'kplug record calls.jsonl --controller operator:50050 --ca ca.crt --token-file token -- ./plugin',
        'kplug record calls.jsonl --listen 127.0.0.1:50051',
      ),
    )
    .action(async (file: string, command: string[], options: RecordOptions) => {
      const { record } = await import('../actions/record.ts');
      await record(file, command, options, terminal);
    });
}

/** Adds `kplug replay`. */
export function addReplayCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('replay'), pluginTlsOptions())
    .description('repeat recorded calls and show the differences of the answers')
    .argument('<file>', 'file written by "kplug record"')
    .requiredOption('--plugin <address>', 'host:port of the plugin')
    .option('--timeout <duration>', 'deadline of each call', '10s')
    .addOption(outputOption(['table', 'json']))
    .addHelpText('after', aboutReplaying)
    .addHelpText(
      'after',
      examples(
        'kplug replay calls.jsonl --plugin localhost:7000',
        'kplug replay calls.jsonl --plugin db:7000 --ca plugin.crt --tls-dir manifests/.kplug/tls',
      ),
    )
    .action(async (file: string, options: ReplayOptions) => {
      const { replay } = await import('../actions/replay.ts');
      await replay(file, options, terminal);
    });
}

const aboutRecording = `
Plugins send their heartbeats here instead of to the controller
(KPLUG_CONTROLLER). They are registered with the address of the recorder, so
that it can record their calls. Runs until it is interrupted or the started
plugin exits.
With --ca, the recorder and the operator use TLS. The recorder proves who it is
by --token-file or by --cert and --key, or by the token that the plugin sends.
Plugins always talk to the recorder in plain text: it starts its plugin so, and
plugins of other machines need KPLUG_INSECURE=true.
The file contains whole resources, including any secrets in them.`;

const aboutReplaying = `
The plugin is really called and does its work. Timestamps and random values in
statuses always differ.
Exits with 1 when any answer differs.`;
