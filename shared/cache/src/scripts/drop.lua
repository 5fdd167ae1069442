-- What was cached is out of date, and so is what anybody may be about to fill.
--
-- KEYS 1 epoch 2 fence 3 values 4 floor
-- ARGV 1 a nonce 2 life of an epoch 3 the new floor, or nothing if it is not known 4 life of a floor
-- A floor that is not there may have been higher: without one the writer is asked.
local floor = string.match(redis.call('GET', KEYS[4]) or '', '^%d+$')
if ARGV[3] == '' or not floor then
  redis.call('UNLINK', KEYS[4])
elseif tonumber(floor) < tonumber(ARGV[3]) then
  redis.call('SET', KEYS[4], ARGV[3], 'PX', ARGV[4])
end
redis.call('SET', KEYS[1], ARGV[1] .. '+', 'PX', ARGV[2])
redis.call('UNLINK', KEYS[3])
return 1
