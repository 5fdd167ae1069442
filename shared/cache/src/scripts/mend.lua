-- Removes what is of a type that it cannot be: whoever wrote it was none of us. It is as if it were lost.
--
-- KEYS those of a script that was refused
local types = {v = 'hash', l = 'hash', f = 'zset', lf = 'zset'}
for _, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok ~= (types[string.match(key, '^%a+')] or 'string') then
    redis.call('UNLINK', key)
  end
end
return 1
