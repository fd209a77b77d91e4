-- ARGV  config, reader, most readers, last event ID, '1' to begin after the newest event, count
-- It answers {status, newest sequence, entry, record, …, tag, entry to begin after, header in the record of that entry if an ID was asked for, or '', HINT or 0}.
local s, why = active()
if not s then return why end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '(0', s.now)
redis.call('ZREMRANGEBYSCORE', KEYS[4], -s.now, '(0')
local known, most = redis.call('ZSCORE', KEYS[4], ARGV[2]), tonumber(ARGV[3])
if known and tonumber(known) < 0 then return ABANDONED end
if most > 0 and not known and redis.call('ZCOUNT', KEYS[4], '(0', '+inf') >= most then return ATTACH_LIMIT end

-- seek returns the entry to begin after and its record, or nil and the number of a refusal.
local function seek(id)
  if string.byte(id) == 0 then return nil, UNKNOWN_ID end -- a field that is no event ID
  local entry = redis.call('HGET', KEYS[3], id)
  if entry and sequence(entry) >= s.first then
    local e = redis.call('XRANGE', KEYS[2], entry, entry)[1]
    if e then return e[1], e[2][2] end
    return nil, UNKNOWN_ID
  elseif entry then
    return nil, s.stale == 1 and LOST or UNKNOWN_ID -- evicted
  end
  if string.sub(id, 1, 13) == s.tag .. '.' then -- a place, with or without an event
    local place = string.match(id, '^%d+%-%d+$', 14)
    if not place or #place > 30 or sequence(place) > s.seq then return nil, UNKNOWN_ID end
    return place, ''
  end
  local e, evicted = assigned(s, id)
  if e then return e[1], e[2][2] end
  return nil, evicted and (s.stale == 1 and LOST or EVICTED) or UNKNOWN_ID
end

local at, record = '0-0', ''
if ARGV[4] ~= '' then
  at, record = seek(ARGV[4])
  if not at then return record end
elseif ARGV[5] == '1' then
  if s.seq > 0 then at = entryOf(s.seq, s.newest) end
else
  at = beginning(s)
  if not at then return LOST end
end
if ARGV[4] == '' and ARGV[5] ~= '1' and s.lost == 1 then -- who reads from the start misses what should be retained
  s.lost = 0
  save(s)
  return LOST
end
local found, why = batch(s, at, tonumber(ARGV[6]))
if not found then return why end

redis.call('ZADD', KEYS[4], s.now + term, ARGV[2], 0, '')
s.lease = math.max(s.lease, s.now + term)
if s.status == 0 then s.last = s.now end
local hint = save(s)
redis.call('PEXPIREAT', KEYS[4], s.keep)
table.insert(found, 1, s.status)
found[#found + 1] = s.tag
found[#found + 1] = at
found[#found + 1] = string.sub(record, 1, 4096) -- longer than one can be
found[#found + 1] = hint
return found
