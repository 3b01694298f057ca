import type { Command } from 'commander';
import type { RecordOptions } from '../actions/record.ts';
import type { ReplayOptions } from '../actions/replay.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples, outputOption } from './options.ts';

/** `kplug record` */
export function addRecordCommand(program: Command, terminal: Terminal): void {
  program
    .command('record')
    .description('write the calls between a controller and its plugins to a file')
    .argument('<file>', 'where to, a call in each line; what is there already stays')
    .argument('[command...]', 'behind --: a command that starts a plugin')
    .option('--controller <address>', "the operator's heartbeat port", 'localhost:50050')
    .option('--listen <address>', 'where plugins beat to; port 0 takes a free one', '127.0.0.1:0')
    .addHelpText('after', aboutRecording)
    .addHelpText(
      'after',
      examples(
        'kplug record calls.jsonl -- node plugin.ts',
        'kplug record calls.jsonl --controller operator:50050 --listen 127.0.0.1:50051',
      ),
    )
    .action(async (file: string, command: string[], options: RecordOptions) => {
      const { record } = await import('../actions/record.ts');
      await record(file, command, options, terminal);
    });
}

/** `kplug replay` */
export function addReplayCommand(program: Command, terminal: Terminal): void {
  program
    .command('replay')
    .description('make the calls of a file again, and show which are answered otherwise')
    .argument('<file>', 'what "kplug record" wrote')
    .requiredOption('--plugin <address>', 'the plugin that is called, as host:port')
    .option('--timeout <duration>', 'how long a call may take', '10s')
    .addOption(outputOption(['table', 'json']))
    .addHelpText('after', aboutReplaying)
    .addHelpText('after', examples('kplug replay calls.jsonl --plugin localhost:7000'))
    .action(async (file: string, options: ReplayOptions) => {
      const { replay } = await import('../actions/replay.ts');
      await replay(file, options, terminal);
    });
}

const aboutRecording = `
Plugins beat here in place of the controller (KPLUG_CONTROLLER) and are registered with it as being here, so that their
calls pass by. Goes on until it is interrupted, or the plugin that it started ends.
The file holds the resources, whole: whatever secrets stand in them stand in it.`;

const aboutReplaying = `
The plugin is really called, and does its work. Times and random names in statuses differ by nature.
Exits with 1 when any call is answered otherwise than it was.`;
