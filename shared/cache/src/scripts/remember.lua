-- Keeps how a user stands, as Postgres said it, unless that has changed since Postgres was asked.
--
-- KEYS 1 standing 2 its epoch · ARGV 1 the epoch before Postgres was asked 2 standing 3 life in ms
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
