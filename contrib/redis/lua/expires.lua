-- ARGV  config, tag
-- It answers the time at which to look again whether the session has ended, as text, or a refusal when it has.
local s, why = active()
if not s then return why end
if s.tag ~= ARGV[2] then return NOT_FOUND end
-- A reader that holds it open beyond that may go at any time.
local at = s.status == 0 and s.last + s.ttl or s.left + linger
return string.format('%.0f', math.max(at, s.now + 1))
