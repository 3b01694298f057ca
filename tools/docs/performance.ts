import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type GeneratedPage, generatedBy, page, table } from './reference/markdown.ts';

const benchmarks = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

/** Figures of the short page: the question of a reader, and the section and first cell of a row in `docs/benchmarks.md`. */
const figures: readonly (readonly [question: string, section: string, measurement: string])[] = [
  [
    'A plugin crashes: time until its fallback is called',
    'Time from the failure of a plugin to the call of its fallback',
    'SIGKILL: median',
  ],
  [
    'A plugin hangs: time from the end of its lease until its fallback is called',
    'Time from the failure of a plugin to the call of its fallback',
    'SIGSTOP: maximum, from the end of the lease',
  ],
  ['Passes on a cluster, each with two statuses', 'On Kubernetes', 'passes that write two statuses'],
  ['Requests to the API server in a pass without changes', 'On Kubernetes', 'writes in a pass without changes'],
  ['Memory for each object in the cache', 'On Kubernetes', 'heap for each cached object'],
  ['Passes in memory, each with a call of a plugin', 'Passes per second', 'passes that write a status'],
  ['Choice of the preferred plugin', 'Selection', 'preferred plugin, with a range of versions'],
  ['Heartbeats that one operator receives', 'Heartbeats per second', 'in sessions'],
  ['Memory for each registered instance', 'Registry with many instances', 'heap for each of 100,000 instances'],
  ['Calls with TLS and proven identities', 'Cost of TLS and identities', 'calls of a plugin'],
  ['Start of the operator until its first pass', 'Start of the operator', 'end of the first pass'],
  [
    'Capabilities with five dependents each, created in order',
    'Capabilities',
    'capabilities whose dependents are created',
  ],
];

/** Page with the most important figures of the benchmarks. */
export function performancePage(): GeneratedPage {
  const sections = readFileSync(benchmarks, 'utf8').split(/^## /m);
  const rows = figures.map(([question, title, measurement]) => {
    const section = sections.find((text) => text.startsWith(`${title}\n`));
    const row = section?.split('\n').find((line) => line.startsWith(`| ${measurement} |`));
    if (!row) throw new Error(`docs/benchmarks.md has no row "${measurement}" in "${title}"`);
    const [, , figure = '', peer = '', ratio = '', goal = '', result = ''] = row.split('|').map((text) => text.trim());
    return [`[${question}](benchmarks.md#${anchorOf(title)})`, figure, peer, ratio, goal && `${goal}: ${result}`];
  });
  const content = page(
    '# Performance',
    generatedBy('`docs/benchmarks.md`'),
    [
      'The most important figures, each beside that of a peer that was measured alternately in the same run. Machines and their load differ, so the',
      'ratios say more than the figures. [Benchmarks](benchmarks.md) has every figure, the machine, and how it was measured;',
      '`npx -y pnpm@12 bench` measures them on yours.',
    ],
    table(['question', 'figure', 'peer', 'ratio', 'goal'], rows),
  );
  return { file: 'docs/performance.md', content };
}

function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-');
}
