-- ARGV  config, 1 to finish or 2 to terminate, fence or ''
-- It answers the tag and the principal, for the places that the session took.
local s, why = load()
local to, fence = tonumber(ARGV[2]), ARGV[3]
if why == DAMAGED and to == 2 and fence == '' then -- nobody can use what is left of it
  local tag = unpacked(redis.call('GET', KEYS[1])).tag
  local principal = redis.call('HGET', KEYS[3], PRINCIPAL) or ''
  redis.call('DEL', unpack(KEYS))
  tell(0)
  return tag .. principal
end
if not s then return why end
local metadata, principal = redis.call('HGET', KEYS[3], ''), redis.call('HGET', KEYS[3], PRINCIPAL)
if not metadata or not principal then return DAMAGED end
if fence ~= '' then
  why = guard(s, fence)
  if why then return why end
end
if ended(s) then return to == 2 and fence == '' and s.tag .. principal or NOT_FOUND end
if to == 1 and fence == '' then
  why = guard(s, '')
  if why then return why end
end
if s.status == to then return s.tag .. principal end
if s.status == 0 then s.left = s.now end
s.status, s.held = to, 0
if to == 2 then
  redis.call('DEL', KEYS[3]) -- nobody seeks any more
  redis.call('HSET', KEYS[3], '', metadata, PRINCIPAL, principal, TAG, s.tag)
end
if s.lease <= s.now and (to == 2 or linger == 0) then
  s.lease = 0
  redis.call('XTRIM', KEYS[2], 'MAXLEN', 0)
end
if s.lease <= s.now and not lingers(s) then s.remembered = s.now + 5000 end -- for another attempt, if the answer is lost
save(s, true)
tell(0)
return s.tag .. principal
