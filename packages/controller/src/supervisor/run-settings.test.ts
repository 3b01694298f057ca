import { HostingTrial, waitOptions } from '@kplug/testing/supervisor';
import { describe, expect, it, vi } from 'vitest';

describe('a process of the folder', () => {
  it("gets a minimal environment, without the operator's own variables", async () => {
    vi.stubEnv('SECRET_OF_THE_OPERATOR', 'hunter2');
    const trial = await HostingTrial.start({ environment: { SHARED: 'yes' } });
    await trial.put('env.sh', '#!/bin/sh\nenv\nexec sleep 600\n', 0o755);
    const environment = await vi.waitFor(() => {
      const lines = trial.linesOf('env.sh').map((line) => /^([^=]+)=(.*)$/.exec(line)?.slice(1) ?? []);
      const read = Object.fromEntries(lines) as Record<string, string>;
      expect(read.KPLUG_TOKEN).toBeDefined();
      return read;
    }, waitOptions);
    const KPLUG_CONTROLLER = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    const KPLUG_INSTANCE_ID = trial.status('env.sh')?.instanceId;
    const { PATH, HOME } = process.env;
    expect(environment).toMatchObject({ SHARED: 'yes', PATH, HOME, KPLUG_CONTROLLER, KPLUG_INSTANCE_ID });
    const allowed = /^(?:PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|PWD|OLDPWD|SHLVL|_|SHARED|KPLUG_\w+)$/;
    expect(Object.keys(environment).filter((name) => !allowed.test(name))).toEqual([]);
    vi.unstubAllEnvs();
  });

  it('has each line of its output logged, with its level', async () => {
    const trial = await HostingTrial.start();
    const lines = [
      `print('{"level":40,"time":1,"pid":2,"name":"x","msg":"from pino","table":"users"}')`,
      `print('2026-01-01 10:00:00,000 ERROR   kplug.x from Python')`,
      `print('x' * 20000)`,
      `print('plain', file=sys.stderr)`,
      `print('no line feed', end='')`,
    ];
    await trial.put('talk.py', `import sys\n${lines.join('\n')}\n`);
    await trial.expectState('talk.py', 'failing', { lastExit: 'exit code 0' });
    const said = trial.log.filter(({ hosted, hostedPid }) => hosted === 'talk.py' && hostedPid !== undefined);
    const find = (msg: string) => said.find((line) => line.msg.startsWith(msg));
    expect(find('from pino')).toMatchObject({ level: 40, fields: { table: 'users' } });
    expect(find('from Python')).toMatchObject({ level: 50, msg: 'from Python' });
    expect(find('xxx')?.msg).toHaveLength(8_193);
    expect(find('plain')).toMatchObject({ level: 40 });
    expect(find('no line feed')).toMatchObject({ level: 30 });
  });
});

describe('a folder with a plugin.yaml', () => {
  const described = `command: python3
arguments: [main.py, --loud]
environment: { GREETING: hello, PORT: 7 }
restart: { policy: on-failure }
`;

  it('is run with the settings of the file', async () => {
    const trial = await HostingTrial.start();
    const script = 'import os, sys\nprint(os.environ["GREETING"], os.environ["PORT"], sys.argv[1:], os.getcwd())\n';
    await trial.put('described/main.py', script);
    await trial.put('described/plugin.yaml', described);
    await trial.expectState('described', 'ended', { lastExit: 'exit code 0' });
    expect(trial.linesOf('described')[0]).toBe(`hello 7 ['--loud'] ${trial.path('described')}`);
    // A change of its program counts as a change of the plugin.
    await trial.put('described/main.py', 'import sys\nsys.exit(4)\n');
    await trial.expectState('described', 'failing', { lastExit: 'exit code 4' });
  });

  it('reports errors with their position', async () => {
    const trial = await HostingTrial.start();
    const file = trial.path('wrong/plugin.yaml');
    await trial.put('wrong/plugin.yaml', 'command: ./there\nrestart:\n  policy: sometimes\n  pause: 3\n');
    const { message } = await trial.expectState('wrong', 'failing');
    expect(message).toContain(`${file}:3:3: restart.policy Invalid option`);
    expect(message).toContain(`${file}:4:3: restart.pause is not a field of plugin.yaml`);
    await trial.put('wrong/plugin.yaml', 'command: ./there\n');
    await trial.expectState('wrong', 'failing', {
      message: `${file}: command ./there is not a file; name one, such as ./plugin`,
    });
    await trial.put('wrong/there', '#!/bin/sh\necho "$0 is here" >&2\nexit 5\n', 0o755);
    await trial.expectState('wrong', 'failing', { lastLines: [`${trial.path('wrong/there')} is here`] });
  });

  it('limits the resources of a process', async () => {
    const trial = await HostingTrial.start();
    await trial.put('greedy/main.py', 'import time\nx = bytearray(200_000_000)\ntime.sleep(600)\n');
    const limits = 'resources: { memory: 100Mi, openFiles: 64, niceness: 5 }';
    await trial.put('greedy/plugin.yaml', `command: python3\narguments: [main.py]\n${limits}\n`);
    const { lastExit } = await trial.expectState('greedy', 'back-off');
    expect(lastExit).toMatch(/^killed: memory use of \d+ MiB exceeds the limit of 100 MiB$/);
    const told = 'import os, resource\nprint(resource.getrlimit(resource.RLIMIT_NOFILE), os.nice(0))\n';
    await trial.put('greedy/main.py', told);
    await vi.waitFor(() => expect(trial.linesOf('greedy')).toContain('(64, 64) 5'), waitOptions);
  });
});
