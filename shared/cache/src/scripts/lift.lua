-- KEYS 1 epoch 2 fence 3 values 4 floor
-- ARGV 1 the nonce of the fence 2 life of an epoch 3 the new floor, or nothing 4 life of a floor
--      5 field 6 value to leave, or nothing 7 its life
--      8 whether nobody else was at work when the fence was put up: 1, or nothing
local time = redis.call('TIME')
local falls_at = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or '0')
redis.call('ZREM', KEYS[2], ARGV[1])
local stood = falls_at > time[1] * 1000 + math.floor(time[2] / 1000)
-- Somebody else who was at work meanwhile may have committed later than this writer, or before.
local alone = stood and ARGV[8] ~= '' and redis.call('GET', KEYS[1]) == ARGV[1]
  and redis.call('ZCARD', KEYS[2]) == 0
-- A floor is raised before anybody can fill again. One that is not there may have been higher: only who
-- was alone knows what it is now. Without one the writer is asked.
local floor = string.match(redis.call('GET', KEYS[4]) or '', '^%d+$')
if ARGV[3] ~= '' and (floor and tonumber(floor) < tonumber(ARGV[3]) or not floor and alone) then
  redis.call('SET', KEYS[4], ARGV[3], 'PX', ARGV[4])
end
if not stood then
  -- The fence fell before, or was never put up: somebody may have filled meanwhile.
  redis.call('SET', KEYS[1], ARGV[1] .. '+', 'PX', ARGV[2])
  redis.call('UNLINK', KEYS[3])
end
if ARGV[6] == '' or not alone then
  return 0
end
redis.call('HSET', KEYS[3], ARGV[5], ARGV[6])
redis.call('PEXPIRE', KEYS[3], ARGV[7])
return 1
