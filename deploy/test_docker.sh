#!/usr/bin/env bash
# The whole way on a clean machine (`make test-docker`): image, PostgreSQL, Prefect's server on it, work pool, Docker
# worker, `prefect deploy --all`, and flow runs in containers whose rows are in PostgreSQL; upstream is the replay.
# Leaves nothing running, and ends within a quarter of an hour.
#
#   F1_IMAGE=name:tag   use that image instead of building one
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${BOUNDED:-}" ]; then
  BOUNDED=1 exec timeout --foreground --kill-after=30 900 "$0" "$@"
fi

id=f1-test-$$
export F1_SUFFIX=-$id
password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
read -r db_port api_port replay_port < <(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in held))')
work=$(mktemp -d)

finish() {
  status=$?
  trap - EXIT
  if [ "$status" -ne 0 ]; then
    for name in postgres server worker replay; do
      echo "--- $name" >&2
      docker logs --tail 40 "$id-$name" >&2 2>&1 || true
    done
  fi
  docker ps --all --quiet --filter "volume=f1-data$F1_SUFFIX" | xargs -r docker rm --force >/dev/null 2>&1 || true
  for name in worker server replay postgres; do docker rm --force --volumes "$id-$name" >/dev/null 2>&1 || true; done
  docker volume rm "f1-data$F1_SUFFIX" "f1-settings$F1_SUFFIX" >/dev/null 2>&1 || true
  rm -rf "$work"
  [ "$status" -eq 0 ] && echo "passed" || echo "failed" >&2
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

say() { printf '\n== %s\n' "$*"; }

within() { # within SECONDS COMMAND…: until it succeeds
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || { echo "not within its time: $*" >&2; return 1; }
    sleep 1
  done
}

say "engine"
if ! docker info >/dev/null 2>&1; then
  [ -x ../shared/docker/engine.sh ] || { echo "no Docker engine answers" >&2; exit 1; }
  ../shared/docker/engine.sh
fi

say "image"
image=${F1_IMAGE:-}
if [ -z "$image" ]; then
  image=f1-flows:test
  docker build --network host --build-arg PIP_INDEX_URL --build-arg PIP_EXTRA_INDEX_URL --tag "$image" . \
    >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" >&2; exit 1; }
fi
docker image inspect --format '{{.Id}} {{.Size}} bytes' "$image"
export F1_IMAGE=$image
container=(docker run --network host --read-only --tmpfs /tmp --env "PREFECT_API_URL=http://127.0.0.1:$api_port/api")

say "PostgreSQL, two databases"
database_server=(docker run --detach --name "$id-postgres" --network host --env "PGPASSWORD=$password" --env "PGPORT=$db_port")
if docker image inspect postgres:16 >/dev/null 2>&1 || timeout 120 docker pull --quiet postgres:16 2>/dev/null; then
  "${database_server[@]}" --env POSTGRES_USER=f1 --env "POSTGRES_PASSWORD=$password" postgres:16 \
    -c listen_addresses=127.0.0.1 >/dev/null
else
  # No registry: Debian's PostgreSQL. (The one from a wheel that `make test` uses lacks pg_trgm, which Prefect needs.)
  docker build --network host --tag f1-flows-test-postgres - >"$work/postgres.log" 2>&1 <<'DOCKERFILE'
FROM python:3.12-slim
RUN apt-get update -qq && apt-get install --yes -qq --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/*
DOCKERFILE
  "${database_server[@]}" --user postgres f1-flows-test-postgres bash -ec '
    bin=$(ls -d /usr/lib/postgresql/*/bin)
    printf %s "$PGPASSWORD" >/tmp/password
    "$bin/initdb" -D /tmp/cluster --username f1 --encoding UTF8 --pwfile /tmp/password --auth scram-sha-256
    exec "$bin/postgres" -D /tmp/cluster -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp' >/dev/null
fi
query=(docker exec "$id-postgres" psql --quiet --host 127.0.0.1 --username f1 --dbname)
# Over TCP: while its volume is being made, the official image answers on its socket only.
within 120 "${query[@]}" postgres --command 'SELECT 1'
"${query[@]}" postgres --command 'CREATE DATABASE prefect'
"${query[@]}" postgres --command "SELECT 1 FROM pg_database WHERE datname = 'f1'" | grep -q '1 row' ||
  "${query[@]}" postgres --command 'CREATE DATABASE f1'
database=127.0.0.1:$db_port

say "upstream: the replay, in the night after Bahrain 2024"
"${container[@]}" --detach --name "$id-replay" "$image" \
  python -m core.replay --port "$replay_port" --as-of 2024-03-02T22:00:00Z >/dev/null

say "Prefect's server"
"${container[@]}" --detach --name "$id-server" \
  --env "PREFECT_API_DATABASE_CONNECTION_URL=postgresql+asyncpg://f1:$password@$database/prefect" \
  --env PREFECT_API_DATABASE_TIMEOUT=60 \
  --env PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.filesystem \
  "$image" prefect server start --host 127.0.0.1 --port "$api_port" >/dev/null
within 180 python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$api_port/api/health', timeout=2)"

say "settings, tables, work pool, limit, prefect deploy --all, automations"
timeout 240 "${container[@]}" --rm --env F1_IMAGE --env F1_SUFFIX --env F1_NETWORK=host \
  --env "DATABASE_URL=postgresql://f1:$password@$database/f1" \
  --env "F1_UPSTREAM_URL=http://127.0.0.1:$replay_port" \
  --volume "f1-data$F1_SUFFIX:/data" --volume "f1-settings$F1_SUFFIX:/settings" \
  "$image" python -m deploy.setup --settings-file /settings/.env | grep -v '^$'

say "worker"
"${container[@]}" --detach --name "$id-worker" --user 0:0 --tmpfs /data \
  --env "DATABASE_URL=postgresql://f1:$password@$database/f1" \
  --volume /var/run/docker.sock:/var/run/docker.sock \
  "$image" prefect worker start --pool f1 --type docker >/dev/null

# The command line runs in the worker's container: an engine without overlays copies the image for each new one.
inside=(docker exec "$id-worker")
"${inside[@]}" python -m flows config >"$work/config"
if grep -q "$password" "$work/config"; then echo "config shows the password" >&2; exit 1; fi
# A scheduled run that is under way would have the one asked for here cancelled: one at a time.
"${inside[@]}" prefect --no-prompt deployment schedule pause --all >/dev/null
night='now="2024-03-02T22:00:00Z"'
say "sync-schedule/default, in a container"
timeout 240 "${inside[@]}" prefect deployment run sync-schedule/default --param season=2024 --param "$night" --watch
say "poll-results/default, in a container"
timeout 240 "${inside[@]}" prefect deployment run poll-results/default --param "$night" --watch

say "its rows are in PostgreSQL"
"${inside[@]}" python -m flows results 2024-bahrain-grand-prix/race | tee "$work/rows"
grep -q Verstappen "$work/rows"

say "no secret in the deployments, nor in the image"
for name in sync-schedule refresh-statuses poll-results; do
  "${inside[@]}" prefect deployment inspect "$name/default" >>"$work/inspected"
done
grep -q f1-settings "$work/inspected"
if grep -q "$password" "$work/inspected"; then echo "a deployment shows the password" >&2; exit 1; fi
if docker history --no-trunc "$image" | grep -iE 'PIP_(EXTRA_)?INDEX_URL=|password='; then exit 1; fi
