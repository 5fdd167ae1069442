#!/usr/bin/env bash
# Starts Postgres with our settings, by way of the image's own script.
set -euo pipefail

# Postgres takes no key that others may read.
install --mode=600 --owner=postgres --group=postgres /certificates/server.key /var/lib/postgresql/server.key

# The superuser's password counts at the first start, when the cluster is made.
POSTGRES_PASSWORD=$(sed -n 's/^"postgres" "\(.*\)"$/\1/p' /compose/userlist.txt)
export POSTGRES_PASSWORD

exec docker-entrypoint.sh postgres -c config_file=/compose/postgresql.conf
