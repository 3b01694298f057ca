import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { commandsOf } from './readme-commands.ts';

const readme = `# Plugin

1. **Install.**

   \`\`\`sh
   npm install
   \`\`\`

2. **Run it:**

   \`\`\`sh
   npx kplug operator \\
     --manifests samples
   \`\`\`

   \`\`\`yaml
   not: a command
   \`\`\`

   \`\`\`sh
   npm start
   \`\`\`

## More

\`\`\`sh
npm run more
\`\`\`
`;

it('finds the commands of a step, and no others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'README.md');
  writeFileSync(file, readme);
  expect(commandsOf(file, 1)).toEqual(['npm install']);
  expect(commandsOf(file, 2)).toEqual(['npx kplug operator \\\n  --manifests samples', 'npm start']);
  expect(() => commandsOf(file, 3)).toThrow('has no step 3');
});
