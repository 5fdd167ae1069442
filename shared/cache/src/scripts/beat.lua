-- The relay is awake. Answers whether it is this one that writers hear; another one may be.
-- KEYS 1 heartbeat · ARGV 1 who is awake 2 how long that is heard
local heard = redis.call('GET', KEYS[1])
if heard and heard ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
