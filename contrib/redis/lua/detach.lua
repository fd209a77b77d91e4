-- ARGV  config, tag or '' when it is not known, reader, for how long it must not come again
local s, why = load()
if not s then return why end
if ARGV[2] ~= '' and s.tag ~= ARGV[2] then return NOT_FOUND end
local had = redis.call('ZREM', KEYS[4], ARGV[3]) == 1
local newest = redis.call('ZRANGE', KEYS[4], -1, -1, 'WITHSCORES')
s.lease = math.max(0, newest[2] and tonumber(newest[2]) or 0)
if had and s.status == 0 then s.last = s.now end
if s.lease <= s.now and (ended(s) or s.status == 1 and linger == 0) then
  if not lingers(s) then
    redis.call('DEL', unpack(KEYS))
    return 0
  end
  redis.call('XTRIM', KEYS[2], 'MAXLEN', 0)
end
local again = tonumber(ARGV[4])
if again > 0 then redis.call('ZADD', KEYS[4], -(s.now + again), ARGV[3], 0, '') end
save(s, again > 0)
return 0
