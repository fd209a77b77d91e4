-- KEYS  state, events, index, leases
-- ARGV  limits, tag, reader
local s = load()
if not s or s.tag ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[4], ARGV[3])
local newest = redis.call('ZRANGE', KEYS[4], -1, -1, 'WITHSCORES')
s.lease = newest[2] and tonumber(newest[2]) or 0
if s.status == 0 then s.last = s.now end
if s.lease <= s.now and (ended(s) or s.status == 1 and linger == 0) then
  redis.call('DEL', KEYS[2])
  if not lingers(s) then
    redis.call('DEL', KEYS[1], KEYS[3])
    return 0
  end
end
save(s)
return 0
