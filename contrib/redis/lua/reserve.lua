-- The registry of places: sorted sets of sessions, one of all and one of each principal, by the time from which on whoever needs a place
-- looks whether the session still has it. A place is taken before its session is created and given up when the session was seen not to
-- exist: there are never more sessions than places. A member is the tag and the ID of a session. '=' is none: its score is the fingerprint of
-- the Config, beyond all times. A set expires when no session in it can still be there; sessions that live on say so in time, see place.lua.
--
-- KEYS  the set
-- ARGV  member, most, grace and life in milliseconds, fingerprint
-- It answers {0, time}, or {1, time, member, score, …} with places to look at, when there is none.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local mark = 1e15 + tonumber(ARGV[5])
local is = redis.call('ZSCORE', KEYS[1], '=')
if is and tonumber(is) ~= mark then return OTHER_CONFIG end
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) - (is and 1 or 0) >= tonumber(ARGV[2]) then
  return {1, now, unpack(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, 128))}
end
redis.call('ZADD', KEYS[1], mark, '=', now + tonumber(ARGV[3]), ARGV[1])
local till = now + tonumber(ARGV[4])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIREAT', KEYS[1], till) end
return {0, now}
