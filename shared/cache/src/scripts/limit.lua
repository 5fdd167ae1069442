-- KEYS 1 meter · ARGV 1 interval in µs 2 burst 3 cost · answers: allowed, remaining, seconds to wait
return take(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
