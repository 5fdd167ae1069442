-- The relay goes to sleep. KEYS 1 heartbeat · ARGV 1 who was awake
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('UNLINK', KEYS[1])
end
return 1
