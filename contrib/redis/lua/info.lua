-- KEYS  state, events, index, leases
-- ARGV  limits
-- It answers {status, created, last, seq, first, bytes, attached, metadata, principal}, the numbers as text.
local s = load()
if not s or ended(s) and not lingers(s) then return 1 end
local attached = redis.call('ZCOUNT', KEYS[4], '(' .. string.format('%.0f', s.now), '+inf')
local reply = {s.status}
for _, n in ipairs({s.created, s.last, s.seq, s.first, s.bytes, attached}) do reply[#reply + 1] = string.format('%.0f', n) end
reply[#reply + 1] = redis.call('HGET', KEYS[3], '') or ''
reply[#reply + 1] = redis.call('HGET', KEYS[3], '\0') or ''
return reply
