import './require-node.ts';

export * from './printable-text.ts';
