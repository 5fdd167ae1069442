-- KEYS 1 epoch 2 fence 3 values 4 floor · ARGV 1 field 2 a nonce 3 life of an epoch in ms
-- Answers: the epoch, the value or nothing, the floor or nothing; or only `fenced`.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('ZCOUNT', KEYS[2], '(' .. now, '+inf') > 0 then
  return {'fenced'}
end
local epoch = redis.call('GET', KEYS[1])
-- One that is none of ours is as good as lost.
if not string.match(epoch or '', '^[%x-]+%+?$') then
  epoch = ARGV[2]
  redis.call('SET', KEYS[1], epoch, 'PX', ARGV[3])
end
return {epoch, redis.call('HGET', KEYS[3], ARGV[1]), redis.call('GET', KEYS[4])}
