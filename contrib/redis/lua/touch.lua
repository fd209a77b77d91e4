-- KEYS  state, events, index
-- ARGV  limits, and the principal if it is to be compared
-- It answers {status}.
local s = load()
if not s or ended(s) then return 1 end
if ARGV[2] and (redis.call('HGET', KEYS[3], '\0') or '') ~= ARGV[2] then return 11 end
if s.status == 0 then
  s.last = s.now
  save(s)
end
return {s.status}
