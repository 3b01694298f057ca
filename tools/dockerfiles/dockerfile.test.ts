import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { images } from '../image/images.ts';
import { bakedImages, settingsOf } from './dockerfile.ts';

const repository = resolve(import.meta.dirname, '../..');
const textOf = (file: string) => readFileSync(resolve(repository, file), 'utf8');

describe('the settings of an image', () => {
  it('are those of the last stage', () => {
    const text =
      'FROM a AS build\nUSER 1\nENV A=0\n\nFROM b\nENV A=1 B=x:y\nUSER 65532:65532\nENTRYPOINT ["node", "/app"]\n';
    expect(settingsOf(text)).toEqual({
      user: '65532:65532',
      entrypoint: ['node', '/app'],
      environment: new Map([
        ['A', '1'],
        ['B', 'x:y'],
      ]),
    });
  });

  it('have an entrypoint in exec form, whose program gets signals', () => {
    expect(() => settingsOf('FROM a\nENTRYPOINT node /app\n')).toThrow(/no ENTRYPOINT in exec form/);
  });

  it.each(['typescript', 'python', 'go'])('of the template in %s have an unprivileged user', (language) => {
    expect(settingsOf(textOf(`packages/cli/templates/plugin/${language}/Dockerfile`)).user).toBe('65532:65532');
  });
});

it('the bake file has images of this repository', () => {
  const baked = bakedImages(textOf('docker-bake.hcl'));
  expect(baked.length).toBeGreaterThanOrEqual(5);
  expect(images.map(({ name }) => name)).toEqual(expect.arrayContaining(baked));
});
