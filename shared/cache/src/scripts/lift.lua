-- KEYS 1 epoch 2 fence 3 values 4 floor
-- ARGV 1 the nonce of the fence 2 life of an epoch 3 the new floor, or nothing 4 life of a floor
--      5 field 6 value to leave, or nothing 7 its life
-- A floor is raised before anybody can fill again.
if ARGV[3] ~= '' and tonumber(redis.call('GET', KEYS[4]) or '-1') < tonumber(ARGV[3]) then
  redis.call('SET', KEYS[4], ARGV[3], 'PX', ARGV[4])
end
local time = redis.call('TIME')
local until_ms = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or '0')
redis.call('ZREM', KEYS[2], ARGV[1])
if until_ms <= time[1] * 1000 + math.floor(time[2] / 1000) then
  -- The fence fell before, or was never put up: somebody may have filled meanwhile.
  redis.call('SET', KEYS[1], ARGV[1] .. '+', 'PX', ARGV[2])
  redis.call('UNLINK', KEYS[3])
  return 0
end
-- Somebody else who was at work meanwhile may have committed later than this writer, or before.
if ARGV[6] == '' or redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('ZCARD', KEYS[2]) > 0 then
  return 0
end
redis.call('HSET', KEYS[3], ARGV[5], ARGV[6])
redis.call('PEXPIRE', KEYS[3], ARGV[7])
return 1
