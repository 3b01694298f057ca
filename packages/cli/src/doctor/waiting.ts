/** Is told what is waited for, and hands on what came of it. */
export type Waiting = <T>(what: string, work: Promise<T>) => Promise<T>;
