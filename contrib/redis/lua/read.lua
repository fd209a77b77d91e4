-- ARGV  config, tag, the entry read last or '' to begin with the oldest event, count
-- It answers {status, newest sequence, entry, record, …}, and at the end the entry that was begun after, if none was given.
local s, why = load()
if not s then return why end
if s.tag ~= ARGV[2] then return NOT_FOUND end
local at = ARGV[3]
if at == '' then at = beginning(s) end
if not at then return LOST end
local found, why = batch(s, at, tonumber(ARGV[4]))
if not found then return ended(s) and s.lease <= s.now and NOT_FOUND or why end
table.insert(found, 1, s.status)
if ARGV[3] == '' then found[#found + 1] = at end
return found
