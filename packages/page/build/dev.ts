import { watch } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { describeSize } from './budget.ts';
import { buildFiles } from './build-files.ts';
import type { BuiltFile } from './built-file.ts';

/**
 * `pnpm page:dev URL [PORT]`: serves the page from its sources, builds it again after each change, and passes calls to the operator whose
 * admin port has the URL, such as `http://127.0.0.1:8080`. Default of the port: 4180.
 */
const [operator, port = '4180'] = process.argv.slice(2);
if (!operator || !URL.canParse(operator)) {
  console.error('usage: pnpm page:dev URL [PORT], with the URL of the admin port of an operator');
  process.exit(2);
}

const policy = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'",
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
].join('; ');

let files = new Map<string, BuiltFile>();

async function build(): Promise<void> {
  try {
    const built = await buildFiles();
    files = new Map(built.map((file) => [file.path, file]));
    console.log(describeSize(built));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
}

let pending: ReturnType<typeof setTimeout> | undefined;
watch(join(import.meta.dirname, '../browser'), { recursive: true }, () => {
  clearTimeout(pending);
  pending = setTimeout(() => void build(), 100);
});
await build();

const server = createServer((incoming, answer) => {
  const { method = 'GET', url = '/', headers } = incoming;
  const file = files.get(new URL(url, 'http://localhost').pathname);
  if (file) {
    answer.writeHead(200, {
      'content-type': file.contentType,
      'content-encoding': 'gzip',
      'content-security-policy': policy,
    });
    answer.end(file.gzip);
    return;
  }
  const { host } = new URL(operator);
  const passed = request(
    new URL(url, operator),
    { method, headers: { ...headers, host, origin: operator } },
    (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    },
  );
  passed.on('error', (error) => {
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(502, { 'content-type': 'text/plain' }).end(`${error.message}\n`);
  });
  answer.on('close', () => passed.destroy());
  incoming.pipe(passed);
});
server.listen(Number(port), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${port}/ shows the operator at ${operator}`),
);
