import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatJson } from '@kplug/protocol';
import { afterEach } from 'vitest';
import { describeContract } from '../contract.ts';
import type { Manifest } from '../manifest.ts';
import { TestDirectory } from './testing.ts';

const directories: TestDirectory[] = [];

afterEach(async () => {
  for (const directory of directories.splice(0)) await directory[Symbol.asyncDispose]();
});

describeContract(async () => {
  const directory = await TestDirectory.make();
  directories.push(directory);
  const fileOf = ({ metadata }: Manifest) => join(directory.path, `${metadata.name}.json`);
  return {
    resources: await directory.open(),
    apply: (manifest) => writeFile(fileOf(manifest), formatJson(manifest)),
    remove: (manifest) => rm(fileOf(manifest)),
  };
});
