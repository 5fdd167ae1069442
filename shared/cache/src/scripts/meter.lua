-- The meter of a limit (GCRA): the key holds when the bucket would be full again, in microseconds.
-- A call that is refused does not count. The server's clock is the only one.
local function take(key, interval, burst, cost)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local most = interval * burst
  local kept = tonumber(redis.call('GET', key) or now) or now
  -- A value that cannot be does not shut anybody out for longer than the window: it is replaced. (In
  -- this order: compared with what is not a number, `max` and `min` keep their first.)
  local full_at = math.min(now + most, math.max(now, kept))
  local wanted = full_at + interval * cost
  local allowed = wanted - now <= most
  if allowed then
    full_at = wanted
  end
  if allowed or kept > full_at then
    redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
  end
  local remaining = math.floor((most - (full_at - now)) / interval)
  local wait = allowed and full_at - now or wanted - now - most
  return {allowed and 1 or 0, remaining, math.ceil(wait / 1000000)}
end
