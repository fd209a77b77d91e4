-- KEYS  state, events, index
-- ARGV  limits, principal or '' for any
-- It answers the time at which to look again whether the session has ended, as text, or 1 when it has.
local s = load()
if not s or ended(s) then return 1 end
if ARGV[2] ~= '' and redis.call('HGET', KEYS[3], '\0') ~= ARGV[2] then return 1 end
local at = s.status == 0 and math.max(s.last + ttl, s.lease) or s.left + linger
return string.format('%.0f', math.max(at, s.now + 1))
