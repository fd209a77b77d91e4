-- ARGV  config, and the principal if it is to be compared
-- It answers {status, HINT or 0}.
local s, why = active()
if not s then return why end
if ARGV[2] then
  local principal = redis.call('HGET', KEYS[3], PRINCIPAL)
  if not principal then return DAMAGED end
  if principal ~= ARGV[2] then return WRONG_PRINCIPAL end
end
return {s.status, touched(s)}
