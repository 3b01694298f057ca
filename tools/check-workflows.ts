import { globSync } from 'node:fs';
import { run } from './image/run.ts';
import { buildGoTool } from './languages/go-tool.ts';

/** Part of `pnpm check`: checks the workflows of this repository and of the plugin template with actionlint, which Go builds once. */
const version = 'v1.7.12';
const source = 'github.com/rhysd/actionlint/cmd/actionlint';
const actionlint = await buildGoTool({ name: 'actionlint', source, version }, (message) => console.error(message));
const workflows = globSync(['.github/workflows/*.{yml,yaml}', 'examples/*/.github/workflows/*.{yml,yaml}']);
if (workflows.length < 2) throw new Error(`only ${workflows.length} workflows were found`);
// Without the linters of shells and of Python, which may or may not be installed.
run(actionlint, ['-shellcheck=', '-pyflakes=', ...workflows]);
