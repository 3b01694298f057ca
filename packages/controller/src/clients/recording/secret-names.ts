import { limits } from '../../limits/limits.ts';

const { maxNameLength } = limits.recording;

/** Words in the names of fields that hold secrets, without separators and in lower case. */
const words = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'pwd',
  'token',
  'secret',
  'credential',
  'privatekey',
  'apikey',
  'accesskey',
  'accountkey',
  'sharedkey',
  'signingkey',
  'encryptionkey',
  'sessionkey',
  'authkey',
  'licensekey',
  'connectionstring',
  'connectionurl',
  'connectionuri',
  'authorization',
  'htpasswd',
  'dockercfg',
  'dockerconfigjson',
  'kubeconfig',
  'lastappliedconfiguration',
  'cookie',
  'jwt',
];

/** Source of an expression that finds such a word in a text, also with a separator between its parts: `api-key`. */
export const secretWordSource = words
  .map((word) =>
    word.replace(
      /^(private|api|access|account|shared|signing|encryption|session|auth|license|connection)/,
      '$1[-_. ]?',
    ),
  )
  .join('|');

/** A data source name is one only at the end of a name: `databaseDsn`, but not `fieldsNumber`. */
const anyWord = new RegExp(`${words.join('|')}|dsn$`);

/** Names in which such a word tells what is referred to, not what the value is: `secretName`, `passwordSecretRef`. */
const reference = /(?:ref|refs|reference|references|name|names|namespace|kind)$/;

/**
 * Reports whether the name of a field says that its value is a secret: `password`, `API_KEY`, `client-secret`, `dbPasswd`. Case, separators,
 * invisible characters and other forms of the letters don't matter.
 */
export function saysSecret(name: string): boolean {
  if (name.length > maxNameLength) return true;
  const letters = lettersOf(name);
  return anyWord.test(letters) && !reference.test(letters);
}

/** Reports whether the name of a field says that it names or refers to something. */
export function saysReference(name: string): boolean {
  return (name.length <= maxNameLength && reference.test(lettersOf(name))) || name === 'apiVersion';
}

function lettersOf(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
