-- KEYS  state, events, index, leases
-- ARGV  limits, session ID, tag, metadata, principal, the registry's time until which to do it or '0'
local s = load()
if s and s.tag == ARGV[3] then return 0 end -- the answer to an earlier attempt was lost
if s and (not ended(s) or lingers(s)) then return 4 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if ARGV[6] ~= '0' and now > tonumber(ARGV[6]) then return 9 end
if s then
  redis.call('DEL', unpack(KEYS))
  tell(ARGV[2])
end
redis.call('HSET', KEYS[3], '', ARGV[4], '\0', ARGV[5])
save({status = 0, created = now, last = now, left = 0, seq = 0, first = 1, bytes = 0, lease = 0, keep = 0, retried = 0, used = 0, tag = ARGV[3], costs = ''})
return 0
