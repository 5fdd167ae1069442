-- KEYS 1 epoch 2 fence 3 values 4 floor
-- ARGV 1 the epoch before the database was asked 2 field 3 value, or nothing 4 its life in ms
--      5 how far the database was 6 life of a floor in ms
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('ZCOUNT', KEYS[2], '(' .. now, '+inf') > 0 then
  return 0
end
local floor = tonumber(string.match(redis.call('GET', KEYS[4]) or '', '^%d+$') or '-1')
if ARGV[5] ~= '' and floor < tonumber(ARGV[5]) then
  redis.call('SET', KEYS[4], ARGV[5], 'PX', ARGV[6])
end
if ARGV[3] ~= '' then
  local first = redis.call('EXISTS', KEYS[3]) == 0
  redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
  if first then
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
  end
end
return 1
