-- ARGV  config
-- It answers {status, created, last, seq, first, bytes, attached, metadata, principal}, the numbers as text.
local s, why = load()
if not s then return why end
if ended(s) and not lingers(s) then return NOT_FOUND end
local metadata, principal = unpack(redis.call('HMGET', KEYS[3], '', PRINCIPAL))
if not metadata or not principal then return DAMAGED end
local attached = redis.call('ZCOUNT', KEYS[4], string.format('(%.0f', s.now), '+inf')
local reply = {s.status}
for _, n in ipairs({s.created, s.last, s.seq, s.first, s.bytes, attached}) do reply[#reply + 1] = string.format('%.0f', n) end
reply[#reply + 1] = metadata
reply[#reply + 1] = principal
return reply
