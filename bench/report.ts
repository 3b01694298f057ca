/** Report of a scenario. */
export interface Report {
  /** Name, which is also the prefix of the files of its plots. */
  name: string;
  title: string;
  /** Description of the measurement, in Markdown. */
  method: string;
  comparisons: Comparison[];
  growth: Growth[];
  /** Notes on the figures, in Markdown. */
  notes: string[];
}

/** Figure, with that of its peer from the same run. */
export interface Comparison {
  what: string;
  /** Unit of the figures. */
  unit: string;
  figure: number;
  peer?: { what: string; figure: number };
  /** Figure divided by that of the peer: the median over the rounds. */
  ratio?: number;
  goal?: Goal;
}

/** Goal for a figure or a ratio. */
export interface Goal {
  of: 'figure' | 'ratio';
  is: 'at least' | 'at most' | 'below';
  value: number;
}

/** Growth of a cost with the work. */
export interface Growth {
  /** Name of the plot's file, after the name of the report. */
  name: string;
  title: string;
  /** Labels of the axes. The axis of the work is logarithmic. */
  work: string;
  cost: string;
  scale: 'linear' | 'logarithmic';
  series: Series[];
  goal?: { what: string; value: number };
}

/** Line of a plot, and column of its table. */
export interface Series {
  what: string;
  /** True for a peer, whose line is dashed. */
  isPeer: boolean;
  points: Point[];
}

/** Cost of some work. */
export interface Point {
  work: number;
  cost: number;
}

/** Reports whether a goal is met. */
export function isMet({ figure, ratio }: Comparison, { of, is, value }: Goal): boolean {
  const actual = of === 'ratio' ? ratio : figure;
  if (actual === undefined) throw new TypeError('a goal for a ratio needs a peer');
  if (is === 'below') return actual < value;
  return is === 'at most' ? actual <= value : actual >= value;
}
