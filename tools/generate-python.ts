import { globSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './image/run.ts';
import { installPythonFor, pythonPackage, pythonVariables } from './python/environment.ts';

/**
 * `node tools/generate-python.ts [-o FOLDER]`: generates the Python code for `proto/kplug/v1`, in the package or in another folder.
 * Without Python it reports that and does nothing; in CI it fails.
 */
const { values } = parseArgs({ options: { output: { type: 'string', short: 'o' } } });
const output = values.output ?? join(pythonPackage, 'src');

const python = await installPythonFor('the Python code');
if (python) {
  mkdirSync(output, { recursive: true });
  for (const file of globSync('kplug/v1/*_pb2*', { cwd: output })) rmSync(join(output, file));
  const targets = ['python', 'grpc_python', 'mypy', 'mypy_grpc'].map((plugin) => `--${plugin}_out=${output}`);
  const files = globSync('kplug/v1/*.proto', { cwd: 'proto' }).sort();
  run(python, ['-m', 'grpc_tools.protoc', '-I', 'proto', ...targets, ...files], { env: pythonVariables() });
}
