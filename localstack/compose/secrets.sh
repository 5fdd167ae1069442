#!/usr/bin/env bash
# Puts the credentials of the database into Secrets Manager, where programs look for them. LocalStack runs
# it when it is ready.
set -euo pipefail

export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1

while IFS='"' read -r _ user _ password _; do
  key=$user
  if [[ $user == postgres ]]; then key='admin'; fi
  aws --endpoint-url http://127.0.0.1:4566 secretsmanager create-secret \
    --name "task-manager/database/$key" \
    --secret-string "{\"username\":\"$user\",\"password\":\"$password\"}" >/dev/null
done </compose/userlist.txt
