/** What one scenario found. */
export interface Report {
  /** Names its plots' files. */
  name: string;
  title: string;
  /** What was measured and how, in Markdown. */
  method: string;
  comparisons: Comparison[];
  growth: Growth[];
  /** What else is to be known to read the figures, in Markdown. */
  notes: string[];
}

/** One figure, beside that of its peer from the same run. */
export interface Comparison {
  what: string;
  /** Written behind the figures. */
  unit: string;
  figure: number;
  peer?: { what: string; figure: number };
  /** The figure divided by its peer's: the median over the rounds. */
  ratio?: number;
  goal?: Goal;
}

/** What a figure or a ratio should be. */
export interface Goal {
  of: 'figure' | 'ratio';
  is: 'at least' | 'at most' | 'below';
  value: number;
}

/** How a cost grows with the work. */
export interface Growth {
  /** Names the plot's file, after the report's name. */
  name: string;
  title: string;
  /** What is plotted along the axes; the work is always plotted by its logarithm. */
  work: string;
  cost: string;
  scale: 'linear' | 'logarithmic';
  series: Series[];
  goal?: { what: string; value: number };
}

/** One line of a plot, and one column of its table. */
export interface Series {
  what: string;
  /** A peer's line is dashed. */
  isPeer: boolean;
  points: Point[];
}

/** What some work cost. */
export interface Point {
  work: number;
  cost: number;
}

/** Whether a goal is met. */
export function isMet({ figure, ratio }: Comparison, { of, is, value }: Goal): boolean {
  const actual = of === 'ratio' ? ratio : figure;
  if (actual === undefined) throw new TypeError('a goal for a ratio needs a peer');
  if (is === 'below') return actual < value;
  return is === 'at most' ? actual <= value : actual >= value;
}
