import { KplugError } from '@kplug/controller';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { CommandError } from './command-error.ts';
import { exitCodeOf } from './exit-codes.ts';

describe('the exit code', () => {
  it.each([
    [new CommandError('failed', ''), 1],
    [new CommandError('usage', ''), 2],
    [new CommandError('notFound', ''), 3],
    [new CommandError('unreachable', ''), 4],
    [new CommandError('undetermined', ''), 6],
    [new KplugError('PluginFailed', ''), 1],
    [new KplugError('InvalidManifest', ''), 2],
    [new KplugError('NotFound', ''), 3],
    [new KplugError('PluginUnavailable', ''), 4],
    [new KplugError('PortInUse', ''), 5],
    [new CommanderError(0, 'commander.help', ''), 0],
    [new CommanderError(1, 'commander.unknownOption', ''), 2],
    [new TypeError('a bug'), 1],
    ['a value that is not an error', 1],
  ])('for %o is %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});
