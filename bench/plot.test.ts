import { describe, expect, it } from 'vitest';
import { plot } from './plot.ts';
import type { Growth } from './report.ts';

const growth: Growth = {
  name: 'time',
  title: 'Time & space',
  work: 'things',
  cost: 'ms',
  scale: 'logarithmic',
  series: [
    {
      what: 'ours',
      isPeer: false,
      points: [
        { work: 1, cost: 1 },
        { work: 100, cost: 10 },
      ],
    },
    {
      what: 'a peer',
      isPeer: true,
      points: [
        { work: 1, cost: 10 },
        { work: 100, cost: 1_000 },
      ],
    },
  ],
  goal: { what: 'goal', value: 100 },
};

describe('plot', () => {
  it('uses a logarithmic scale for work and cost', () => {
    const svg = plot(growth);
    expect(svg).toContain('<path class="line" stroke="#2f81f7" d="M84 264L616 184"/>');
    expect(svg).toContain('<path class="line peer" stroke="#e5534b" d="M84 184L616 24"/>');
    expect(svg).toContain('<path class="goal" d="M84 104H616"/>');
    expect(svg).toContain('aria-label="Time &amp; space"');
  });

  it('starts a linear axis at zero', () => {
    expect(plot({ ...growth, scale: 'linear' })).toContain('text-anchor="end">0</text>');
  });
});
