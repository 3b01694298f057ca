import type { Page } from 'playwright-core';

/** Script that reports each break of the Content-Security-Policy, also of policies that only report. */
const reportViolations = `document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('the policy forbids ' + violatedDirective + ' ' + blockedURI))`;

/**
 * Returns the list of what goes wrong on a page from now on: errors, breaks of the Content-Security-Policy, and requests to elsewhere.
 *
 * @param origin origin of the only server that the page may ask.
 * @param allowed problems that are none.
 */
export async function watchForProblems(page: Page, origin: string, allowed?: RegExp): Promise<readonly string[]> {
  const problems: string[] = [];
  const add = (problem: string) => {
    if (!allowed?.test(problem)) problems.push(problem);
  };
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:') && !url.startsWith('blob:')) add(`requests ${url}`);
  });
  page.on('pageerror', (error) => add(`throws ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') add(`reports ${message.text()}`);
  });
  page.on('websocket', (socket) => add(`opens ${socket.url()}`));
  await page.addInitScript(reportViolations);
  return problems;
}
