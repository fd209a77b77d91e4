-- The registry of places: two sorted sets of session IDs, all of them and those of one principal, by the time from which on whoever needs a
-- place looks whether the session still has it. A place is taken before its session is created and given up when the session was
-- seen not to exist: there are never more sessions than places.
--
-- KEYS  all, of the principal
-- ARGV  session ID, most of all, most of the principal, grace in milliseconds
-- It answers {0, time}, {1, time} when the session had its place already, or {2 for all or 3 for the principal, time, ID, score, …} with
-- places to look at.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local limits, held = {tonumber(ARGV[2]), tonumber(ARGV[3])}, {}
for i, key in ipairs(KEYS) do
  held[i] = redis.call('ZSCORE', key, ARGV[1])
  if limits[i] > 0 and not held[i] and redis.call('ZCARD', key) >= limits[i] then
    local due = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 128)
    return {i + 1, now, unpack(due)}
  end
end
for i, key in ipairs(KEYS) do
  if limits[i] > 0 then redis.call('ZADD', key, now + tonumber(ARGV[4]), ARGV[1]) end
end
return {held[1] and 1 or 0, now}
