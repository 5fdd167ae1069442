-- How the caller stands, and the limits. Who is refused anyway is not counted.
--
-- KEYS 1 standing 2 its epoch 3 meter 4 the meter of a limit of some calls alone, if this is one
-- ARGV 1 when the token was issued 2 its session, or nothing 3 a nonce 4 life of an epoch in ms
--      5 interval 6 burst 7 cost 8 9 10 the same for the other meter
-- Answers: standing, its epoch if it is unknown, and what each meter says that was asked.
local state = redis.call('GET', KEYS[1]) or ''
-- `active 1700000000 session session ` with a space after each word.
local word, not_before, sessions = string.match(state, '^(%a+) (%d+)( .*)$')
local standing, epoch = 'unknown', ''
if word == 'active' or word == 'disabled' then
  local ended = ARGV[2] ~= '' and string.find(sessions, ' ' .. ARGV[2] .. ' ', 1, true)
  if ended or tonumber(ARGV[1]) <= tonumber(not_before) then
    return {'revoked'}
  elseif word == 'disabled' then
    return {'disabled'}
  end
  standing = 'good'
else
  epoch = redis.call('GET', KEYS[2])
  -- One that is none of ours is as good as lost.
  if not string.match(epoch or '', '^[%x-]+%+?$') then
    epoch = ARGV[3]
    redis.call('SET', KEYS[2], epoch, 'PX', ARGV[4])
  end
end
local meter = take(KEYS[3], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]))
local answer = {standing, epoch, meter[1], meter[2], meter[3]}
if KEYS[4] and meter[1] == 1 then
  local other = take(KEYS[4], tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]))
  for part = 1, 3 do
    answer[5 + part] = other[part]
  end
end
return answer
