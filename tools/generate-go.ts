import { parseArgs } from 'node:util';
import { run } from './image/run.ts';
import { hasGoFor } from './languages/go.ts';

/**
 * `node tools/generate-go.ts [-o FOLDER]`: generates the Go code for `proto/kplug/v1`, in the SDK or below another folder.
 * Without Go it reports that and does nothing; in CI it fails.
 */
const { values } = parseArgs({ options: { output: { type: 'string', short: 'o', default: '.' } } });

if (await hasGoFor('the Go code')) {
  run('buf', ['generate', '--template', 'packages/sdk-go/buf.gen.yaml', '-o', values.output]);
}
