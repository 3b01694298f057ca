/** Reports whether a process exists. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // The process of another user exists but must not be signalled.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
