-- KEYS  state, events, index, leases
-- ARGV  limits, session ID, 1 to finish or 2 to terminate
-- It answers the principal, for the places that the session took, or 1 when there is no session.
local s = load()
if not s then return 1 end
local to = tonumber(ARGV[3])
local metadata, principal = redis.call('HGET', KEYS[3], ''), redis.call('HGET', KEYS[3], '\0') or ''
if ended(s) then return to == 2 and principal or 1 end
if s.status == to then return principal end
if s.status == 0 then s.left = s.now end
s.status = to
if to == 2 then
  redis.call('DEL', KEYS[3]) -- nobody seeks any more
  redis.call('HSET', KEYS[3], '', metadata or '', '\0', principal)
end
if s.lease <= s.now and (to == 2 or linger == 0) then
  s.lease = 0
  redis.call('DEL', KEYS[2])
end
if s.lease <= s.now and not lingers(s) then
  redis.call('DEL', KEYS[1], KEYS[3])
else
  save(s)
end
tell(ARGV[2])
return principal
