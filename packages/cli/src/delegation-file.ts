import { readFile } from 'node:fs/promises';
import { type DelegationDeclaration, delegationSchema } from '@kplug/controller';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { CommandError } from './command-error.ts';
import { type FieldPath, formatFieldPath, type Position, positionOf } from './yaml-position.ts';

const advice = 'it must be a mapping with a list of delegations';

/** What is wrong with a delegation file, and with which of its fields. */
interface Fault {
  path: FieldPath;
  message: string;
}

/** Reads the delegations that a file such as `kplug.yaml` declares. Rejects with a `CommandError` that names file, line and field. */
export async function readDelegationFile(file: string): Promise<DelegationDeclaration[]> {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, version: '1.2', merge: false } as const;
  const document = parseDocument(await readText(file), options);
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new CommandError('usage', `${file}:${line}:${col}: this is not sound YAML: ${error.message}`, {
      cause: error,
    });
  }
  const { delegations, faults } = readDelegations(document);
  if (faults.length === 0) return delegations;
  const placed = faults.map((fault) => ({ ...fault, ...positionOf(document, fault.path, lines) }));
  placed.sort((a, b) => a.line - b.line || a.column - b.column);
  throw new CommandError('usage', placed.map((fault) => describe(fault, file)).join('; '));
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const what = isMissing ? "doesn't exist" : `can't be read: ${(cause as Error).message}`;
    throw new CommandError('usage', `the delegation file ${file} ${what}; name one with --delegation`, { cause });
  }
}

function readDelegations(document: Document): { delegations: DelegationDeclaration[]; faults: Fault[] } {
  const content: unknown = document.toJS({ maxAliasCount: 50 });
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return { delegations: [], faults: [{ path: [], message: `the file is malformed; ${advice}` }] };
  }
  const { delegations, ...others } = content as Record<string, unknown>;
  const faults: Fault[] = Object.keys(others).map((field) => ({ path: [field], message: 'is no field of this file' }));
  if (!Array.isArray(delegations) || delegations.length === 0) {
    return {
      delegations: [],
      faults: [...faults, { path: ['delegations'], message: `is missing or empty; ${advice}` }],
    };
  }
  for (const [index, declaration] of delegations.entries()) {
    faults.push(...findFaults(declaration, ['delegations', index]));
  }
  faults.push(...findDuplicates(delegations));
  return { delegations: delegations as DelegationDeclaration[], faults };
}

function findFaults(declaration: unknown, where: FieldPath): Fault[] {
  const { error } = delegationSchema.safeParse(declaration);
  return (error?.issues ?? []).flatMap((issue): Fault[] => {
    const path = [...where, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], message: 'is no field of a delegation' }));
    }
    // Of a union each alternative says what it would have taken.
    const messages =
      issue.code === 'invalid_union' ? issue.errors.flat().map(({ message }) => message) : [issue.message];
    return [{ path, message: messages.map(sayPlainly).join(', or ') }];
  });
}

function sayPlainly(message: string): string {
  return message.endsWith('received undefined') ? 'is missing' : message.replace(/^Invalid (input|option): /, '');
}

function findDuplicates(delegations: readonly { name?: unknown }[]): Fault[] {
  const names = delegations.map((delegation) => delegation?.name);
  return names.flatMap((name, index) => {
    if (typeof name !== 'string' || names.indexOf(name) === index) return [];
    return [{ path: ['delegations', index, 'name'], message: `"${name}" is the name of an earlier delegation` }];
  });
}

function describe({ path, message, line, column }: Fault & Position, file: string): string {
  return `${[file, line, column].join(':')}: ${[formatFieldPath(path), message].filter(Boolean).join(': ')}`;
}
