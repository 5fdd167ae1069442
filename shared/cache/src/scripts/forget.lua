-- How a user stands has changed: Postgres is to be asked, and no older answer of it counts.
--
-- KEYS 1 standing 2 its epoch · ARGV 1 a nonce 2 life of an epoch in ms
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('UNLINK', KEYS[1])
return 1
