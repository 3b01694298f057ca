import { runProgram } from '@kplug/operator';
import { serveFoobar } from './serve-foobar.ts';

// The ready-made operator, with an additional HTTP port.
process.exitCode = await runProgram(process.argv.slice(2), {
  name: 'foobar-operator',
  onStart: (controller) => serveFoobar(controller, process.env.FOOBAR_ADDRESS ?? '127.0.0.1:8083'),
});
