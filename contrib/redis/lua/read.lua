-- KEYS  state, events
-- ARGV  limits, tag, the entry read last, count
-- It answers {status, newest sequence, entry, record, …}.
local s = load()
if not s or s.tag ~= ARGV[2] then return 1 end
local found = batch(s, ARGV[3], tonumber(ARGV[4]))
if type(found) == 'number' then
  if ended(s) and redis.call('EXISTS', KEYS[2]) == 0 then return 1 end
  return found
end
table.insert(found, 1, s.status)
return found
