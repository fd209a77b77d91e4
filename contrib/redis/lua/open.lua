-- KEYS  state, events, index, leases
-- ARGV  limits, reader, most readers, last event ID, '1' to begin after the newest event, count
-- It answers {status, newest sequence, entry, record, …, tag, entry to begin after, header in the record of that entry if an ID was asked for, or ''}.
local s = load()
if not s or ended(s) then return 1 end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', s.now)
local most = tonumber(ARGV[3])
if most > 0 and redis.call('ZCARD', KEYS[4]) >= most and not redis.call('ZSCORE', KEYS[4], ARGV[2]) then return 5 end

-- seek returns the entry to begin after and its record, or the number of a refusal.
local function seek(id)
  if string.byte(id) == 0 then return 7 end -- a field that is no event ID
  local entry = redis.call('HGET', KEYS[3], id)
  if entry then
    if sequence(entry) < s.first then return 7 end -- evicted
    local e = redis.call('XRANGE', KEYS[2], entry, entry)[1]
    if not e then return 7 end
    return e[1], e[2][2]
  end
  if string.sub(id, 1, 13) ~= s.tag .. '-' then return 7 end
  local n, token = string.match(id, '^([1-9]%d*)%-(%w+)$', 14)
  if not n or #n > 13 or tonumber(n) > s.seq or #token ~= 8 then return 7 end
  if tonumber(n) < s.first then return 6 end
  local e = redis.call('XRANGE', KEYS[2], n, n)[1]
  if not e or string.sub(e[2][2], 17, 18) ~= '\0\0' or string.sub(e[2][2], 1, 8) ~= token then return 7 end
  return e[1], e[2][2]
end

local at, record = '0-0', ''
if ARGV[4] ~= '' then
  at, record = seek(ARGV[4])
  if not record then return at end
else
  local n = ARGV[5] == '1' and s.seq or s.first - 1
  if n > 0 then
    local e = redis.call('XRANGE', KEYS[2], n, n)[1]
    if not e then return 8 end
    at = e[1]
  end
end
local found = batch(s, at, tonumber(ARGV[6]))
if type(found) == 'number' then return found end

redis.call('ZADD', KEYS[4], s.now + term, ARGV[2])
redis.call('PEXPIREAT', KEYS[4], s.now + term)
s.lease = math.max(s.lease, s.now + term)
if s.status == 0 then s.last = s.now end
save(s)
table.insert(found, 1, s.status)
found[#found + 1] = s.tag
found[#found + 1] = at
found[#found + 1] = string.sub(record, 1, 1024) -- as long as one can be
return found
