#!/bin/sh
# Makes an authority and a server certificate in the folder $1, for whoever connects from the machine
# (127.0.0.1, localhost) and from another container (the service's name). Once: clients keep the authority.
set -eu
cd "$1"

# The authority's certificate is put there last: if it is there, the others are.
if [ -e ca.pem ]; then
  echo "certificates: they are there"
  exit 0
fi

# The authority's key is kept nowhere, so nobody can sign another certificate that these clients trust.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
request() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 3650 "$@"; }

request -subj "/CN=task-manager local authority" -keyout "$work/ca.key" -out "$work/ca.pem" \
  -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"

request -subj "/CN=localhost" -keyout server.key -out server.pem -CA "$work/ca.pem" -CAkey "$work/ca.key" \
  -addext "basicConstraints=critical,CA:FALSE" -addext "keyUsage=critical,digitalSignature" \
  -addext "extendedKeyUsage=serverAuth" \
  -addext "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:postgres,DNS:pgbouncer,DNS:mail"

# Readable for all: each image has a user of its own. Only containers of this project see the volume.
chmod 644 server.key server.pem "$work/ca.pem"
mv "$work/ca.pem" .
echo "certificates: made"
