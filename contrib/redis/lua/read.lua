-- ARGV  config, tag, the entry read last, count
-- It answers {status, newest sequence, entry, record, …}.
local s, why = load()
if not s then return why end
if s.tag ~= ARGV[2] then return NOT_FOUND end
local found, why = batch(s, ARGV[3], tonumber(ARGV[4]))
if not found then return ended(s) and s.lease <= s.now and NOT_FOUND or why end
table.insert(found, 1, s.status)
return found
