/** What may stand where the user is typing. */
export interface Candidates {
  values: readonly Candidate[];
  /** What else may stand there. */
  others: 'none' | 'files' | 'directories';
}

/** One value that may stand where the user is typing, and what it means; empty where that says itself. */
export interface Candidate {
  value: string;
  description: string;
}
