import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeSize } from './build/budget.ts';
import { buildFiles } from './build/build-files.ts';
import { generateModule } from './build/generate-module.ts';

/** `node packages/page/build.ts`: builds the page into `src/files.gen.ts`. Runs at the end of `pnpm install`. */
const files = await buildFiles();
const size = describeSize(files);
writeFileSync(join(import.meta.dirname, 'src/files.gen.ts'), generateModule(files));
console.log(`page: ${size}`);
