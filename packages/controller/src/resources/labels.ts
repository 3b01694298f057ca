import { limits } from '../limits/limits.ts';

const { maxLabelLength, maxNameLength, maxAnnotationsSize } = limits.resources;

const name = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const prefix = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Fault of a label or annotation: its key, and a message about it. */
export interface LabelFault {
  key: string;
  message: string;
}

/** Finds a label that Kubernetes refuses. Returns `undefined` if there is none. */
export function findLabelFault(labels: Readonly<Record<string, string>>): LabelFault | undefined {
  for (const [key, value] of Object.entries(labels)) {
    if (!isKey(key)) return { key, message: badKey };
    if (value !== '' && !isName(value)) {
      const message = `must be at most ${maxLabelLength} letters, digits, "-", "_" and ".", with a letter or digit at both ends`;
      return { key, message };
    }
  }
  return undefined;
}

/** Finds an annotation that Kubernetes refuses. Returns `undefined` if there is none. */
export function findAnnotationFault(annotations: Readonly<Record<string, string>>): LabelFault | undefined {
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    if (!isKey(key.toLowerCase())) return { key, message: badKey };
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    if (size > maxAnnotationsSize) {
      const limit = maxAnnotationsSize.toLocaleString('en');
      return { key, message: `makes the annotations larger than ${limit} bytes together` };
    }
  }
  return undefined;
}

const badKey =
  'is not a valid key: write a name of at most 63 letters, digits, "-", "_" and ".", after a DNS name and "/" if it has a prefix';

function isKey(key: string): boolean {
  const slash = key.indexOf('/');
  const domain = key.slice(0, Math.max(slash, 0));
  return isName(key.slice(slash + 1)) && (slash < 0 || (domain.length <= maxNameLength && prefix.test(domain)));
}

function isName(text: string): boolean {
  return text.length <= maxLabelLength && name.test(text);
}
