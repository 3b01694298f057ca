/** Completions of a word. */
export interface Candidates {
  values: readonly Candidate[];
  /** Completions that the shell adds. */
  others: 'none' | 'files' | 'directories';
}

/** A completion with its description, which may be empty. */
export interface Candidate {
  value: string;
  description: string;
}
