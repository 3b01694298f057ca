import type { Instance } from '../resources/instance.ts';
import { fromSecret, passwd, type Server } from '../resources/manifests.ts';
import { database, user } from './names.ts';

const root = '/var/lib/postgresql/data';

/**
 * Dumps the data of the version before an upgrade, with the programs of that version. The data stays as it is. Nothing is dumped if there
 * is none, or the upgrade was made before.
 */
const dump = `set -eu
[ -e ${root}/$FROM/PG_VERSION ] && [ ! -e ${root}/$TO ] || exit 0
pg_ctl start --wait --silent -D ${root}/$FROM -o "-c listen_addresses= -c unix_socket_directories=/tmp" -l /tmp/log
pg_dumpall --host=/tmp --username=${user} --database=${database} --file=${root}/dump.new
pg_ctl stop --wait --silent -D ${root}/$FROM
mv ${root}/dump.new ${root}/dump.sql
`;

/**
 * Creates the data of a version, unless it exists: empty, or from the dump of the version before. The folder gets its name when it is
 * complete, so that it is created again after a failure. Fails if the volume has data of a version that is not upgraded from.
 */
const prepare = `set -eu
for folder in ${root}/[0-9]*; do
  version=\${folder##*/}
  [ -e "$folder/PG_VERSION" ] || continue
  if [ "$version" -gt "$TO" ] || { [ ! -e ${root}/$TO ] && [ "$version" -gt "\${FROM:-0}" ]; }; then
    echo "the volume has data of PostgreSQL $version; ask for that version first" >&2
    exit 1
  fi
done
[ ! -e ${root}/$TO ] || exit 0
new=${root}/new
rm -rf $new
printf %s "$PASSWORD" > /tmp/password
initdb -D $new --username=${user} --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-instructions
echo "host all all all scram-sha-256" >> $new/pg_hba.conf
if [ -e ${root}/dump.sql ]; then
  # The administrator exists already.
  grep -v "^CREATE ROLE ${user};$" ${root}/dump.sql > /tmp/dump.sql
  pg_ctl start --wait --silent -D $new -o "-c listen_addresses= -c unix_socket_directories=/tmp" -l /tmp/log
  PGPASSWORD=$PASSWORD psql --quiet --host=/tmp --username=${user} --dbname=postgres --set=ON_ERROR_STOP=1 --file=/tmp/dump.sql
  pg_ctl stop --wait --silent -D $new
elif [ -n "$FROM" ] && [ -e ${root}/$FROM/PG_VERSION ]; then
  echo "the dump of PostgreSQL $FROM is missing" >&2
  exit 1
else
  echo "CREATE DATABASE ${database};" | postgres --single -D $new postgres
fi
mv $new ${root}/$TO
rm -f ${root}/dump.sql
`;

const settings = `listen_addresses = '*'
unix_socket_directories = '/tmp'
shared_buffers = 64MB
max_connections = 50
`;

/** PostgreSQL. Each version has a folder of its own in the volume, as none reads the files of another. */
export function postgresql({ name, version, upgradedFrom, password }: Instance): Server {
  const env = [
    { name: 'TO', value: version },
    { name: 'FROM', value: upgradedFrom ?? '' },
  ];
  const withPassword = (variable: string) => [...env, fromSecret(name, variable, 'password')];
  const upgrade = upgradedFrom
    ? [{ name: 'dump', version: upgradedFrom, args: ['sh', '/config/dump.sh'], env: withPassword('PGPASSWORD') }]
    : [];
  return {
    type: 'postgresql',
    port: 5432,
    secret: { username: user, password },
    files: { 'postgresql.conf': settings, 'dump.sh': dump, 'prepare.sh': prepare, passwd },
    dataPath: root,
    args: ['postgres', '-c', 'config_file=/config/postgresql.conf'],
    env: [{ name: 'PGDATA', value: `${root}/${version}` }],
    mounts: { passwd: '/etc/passwd' },
    prepare: [
      ...upgrade,
      { name: 'prepare', version, args: ['sh', '/config/prepare.sh'], env: withPassword('PASSWORD') },
    ],
  };
}
