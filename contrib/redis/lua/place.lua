-- ARGV  config, '' to ask or for how long the registry knows the session from now on
-- It answers {tag, principal, ttl as text}.
local s, why = active()
if not s then return why end
local principal = redis.call('HGET', KEYS[3], PRINCIPAL)
if not principal then return DAMAGED end
if ARGV[2] ~= '' then
  s.placed = math.max(s.placed, s.now + tonumber(ARGV[2]))
  save(s)
end
return {s.tag, principal, string.format('%.0f', s.ttl)}
