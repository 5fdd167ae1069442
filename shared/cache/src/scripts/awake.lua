-- Whether the relay is awake. KEYS 1 its heartbeat
return redis.call('EXISTS', KEYS[1])
