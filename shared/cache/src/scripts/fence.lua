-- KEYS 1 epoch 2 fence 3 values · ARGV 1 a nonce 2 life of a fence 3 life of an epoch, in ms
-- Answers whether nobody else is at work here.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local alone = redis.call('ZCARD', KEYS[2]) == 0
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2] * 2)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('UNLINK', KEYS[3])
return alone and 1 or 0
