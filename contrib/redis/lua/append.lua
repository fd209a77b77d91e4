-- ARGV  config, milliseconds since the first attempt if this is another one or '', fence or '', sequence of the first event if a fenced writer
--       gives it, '1' to look whether the events would be refused and store none, then a record and an event ID or '' for each event
-- It answers the tag and the entry of the first event in one string, with a ! behind it for HINT; or the number of a refusal, or a list. It stores all
-- events or none.
--
-- Every append runs this: it counts calls. It has no shebang, so that a server out of memory refuses the first command that takes some
-- and not the script: refusals that come before ErrOverBudget stay what they are. Once a command has written, none is refused.
local s, why = active()
if not s then return why end
local HEAD, retry, fence = 5, ARGV[2] ~= '', ARGV[3]
if s.status == 1 then return FINISHED end
why = guard(s, fence)
if why then return why end
local count, from = (#ARGV - HEAD) / 2, 1
local function record(i) return ARGV[HEAD - 1 + 2 * i] end
local function id(i) return ARGV[HEAD + 2 * i] end

if fence ~= '' then -- the writer goes on after what is stored
  local first = tonumber(ARGV[4])
  if first > s.seq + 1 then return {-MISSING, string.format('%.0f', s.seq)} end
  from = s.seq + 2 - first
  if from > count then return s.tag .. entryOf(s.seq, s.newest) end
end

-- An event that was stored by an attempt whose answer was lost is found by the token in its record, which all events of one call share.
local token = count > 0 and string.sub(record(1), 1, 8) or ''

-- The first attempt may come after another one: it was on its way in a connection that the client has given up. An attempt that is not the first and
-- stores its events leaves its token and the entry in the index, for ten minutes at least, unless hundreds of others follow.
local done = ''
if s.retried > s.now then
  done = redis.call('HGET', KEYS[3], RETRIED) or ''
  local stored = string.match(done, ' ' .. token .. ':(%S+)')
  if stored then return s.tag .. stored end
end

-- find returns the entry that an ID names, if it is retained.
local function find(id, at)
  local e = assigned(s, id)
  if e or not at or sequence(at) < s.first then return e end
  return redis.call('XRANGE', KEYS[2], at, at)[1]
end

-- What is wrong with an event by itself comes first, as in a ring: of all events before anything that has to do with others.
local some, total = count + 1 - from, 0
for i = from, count do
  local size = #record(i) - 22
  if fence == '' and (#id(i) > s.maxIDBytes or s.strictIDs == 1 and string.find(id(i), '[^\32-\126]')) then
    return {-INVALID_ID, id(i), s.maxIDBytes, s.strictIDs}
  end
  if size > s.maxEventBytes or size + 64 > s.maxBytes then
    return {-TOO_LARGE, size, string.format('%.0f', s.maxEventBytes), string.format('%.0f', s.maxBytes)}
  end
  total = total + size + 64
end
if ARGV[5] == '1' then return s.tag .. '0-0' end

local function tooMany()
  return {-BATCH_TOO_LARGE, some, string.format('%.0f', total), string.format('%.0f', s.maxEvents), string.format('%.0f', s.maxBytes)}
end
if some > s.maxEvents or total > s.maxBytes then return tooMany() end

local seen, own = {}, {}
for i = from, count do
  if id(i) ~= '' then
    if fence == '' then
      local e = find(id(i), redis.call('HGET', KEYS[3], id(i)))
      if e and retry and string.sub(e[2][2], 1, 8) == token then return s.tag .. entryOf(sequence(e[1]) + 1 - i, millis(e[1])) end
      if e then
        pcall(touched, s) -- a server without memory refuses it
        return {-DUPLICATE, s.tag, e[1], e[2][2]}
      end
      if seen[id(i)] then return {-DUPLICATE} end
    end
    seen[id(i)], own[#own + 1] = true, i
  elseif some > 1 and fence == '' then
    total = total + 22 + #string.format('%.0f', s.seq + i) -- the ID that it gets
  end
end
if total > s.maxBytes and some > 1 then return tooMany() end

if retry and fence == '' and count > 0 and id(1) == '' then
  local since, upto, found = s.now - tonumber(ARGV[2]) - 2000, '+', nil
  local older = s.first == 1
  repeat
    local entries = redis.call('XREVRANGE', KEYS[2], upto, '-', 'COUNT', 64)
    for _, e in ipairs(entries) do
      if not found and string.sub(e[2][2], 1, 8) == token then found = e[1] end -- the newest of the call
      upto = '(' .. e[1]
      older = older or millis(e[1]) < since
    end
  until found or #entries < 64 or older and s.first > 1
  if found then return s.tag .. entryOf(sequence(found) + 1 - count, millis(found)) end
  if not older then return UNCERTAIN end
end

local first, entries = s.seq + 1, {}
for i = from, count do
  local cost = 42 + #record(i) -- 64 of overhead, and the record but for 22 bytes of its header
  entries[i] = entryOf(first + i - from, s.now)
  if id(i) == '' then cost = cost + 22 + #string.match(entries[i], '^%d+') end
  s.bytes = s.bytes + cost
end
s.seq = s.seq + 1 + count - from

-- A log that is full evicts an event or so with each append. To do so without a look at the stream, the state holds what the next ones to go
-- cost, used of which have gone. When it has run out, the stream is trimmed by whole nodes up to one entry before
-- the log's first. The own IDs of the events in that list are kept in the index, each after its entry, and leave it when the list has run out.
local costs, ids, stale
while s.first < first and (s.seq + 1 - s.first > s.maxEvents or s.bytes > s.maxBytes) do
  local pos = 1 + 4 * s.used
  if pos > #s.costs then
    local room = math.floor(s.maxBytes / 16 / math.max(1, s.bytes / (s.seq + 1 - s.first)))
    local old = redis.call('XRANGE', KEYS[2], string.format('%.0f', s.first), string.format('%.0f', first - 1), 'COUNT', math.max(1, math.min(32, room)))
    stale = (stale or redis.call('HGET', KEYS[3], IDS) or '') .. (ids and table.concat(ids) or '')
    costs, ids = {}, {}
    if #old == 0 or sequence(old[1][1]) ~= s.first then -- somebody has deleted events
      local seq, bytes = s.seq, 0
      for i = from, count do
        bytes = bytes + 42 + #record(i) + (id(i) == '' and 22 + #string.match(entries[i], '^%d+') or 0)
      end
      s.seq = first - 1
      lose(s)
      s.seq, s.bytes = seq, bytes
      break
    end
    for i, e in ipairs(old) do
      local r = e[2][2]
      local size, low, high = 42 + #r, string.byte(r, 17, 18)
      if low + high == 0 then
        size = size + 22 + #string.match(e[1], '^%d+')
      else
        ids[#ids + 1] = e[1] .. '\n' .. string.sub(r, 23, 22 + low + 256 * high) .. '\n'
      end
      costs[i] = struct.pack('<I4', size)
    end
    s.costs, pos, s.used = table.concat(costs), 1, 0
  end
  s.first, s.bytes, s.used, s.before = s.first + 1, s.bytes - struct.unpack('<I4', s.costs, pos), s.used + 1, 0
end

for i = from, count do
  if costs and i == count then
    redis.call('XADD', KEYS[2], 'MINID', '~', string.format('%.0f', s.first - 1), entries[i], 'e', record(i))
  else
    redis.call('XADD', KEYS[2], entries[i], 'e', record(i))
  end
end
s.newest = s.now

-- free takes IDs out of the index whose events have left the log, unless they were given again.
local function free(own, at)
  local gone = {}
  for i, newest in ipairs(redis.call('HMGET', KEYS[3], unpack(own))) do
    if newest == at[i] then gone[#gone + 1] = own[i] end
  end
  if #gone > 0 then redis.call('HDEL', KEYS[3], unpack(gone)) end
end
if costs then
  local some, at = {}, {}
  for e, id in string.gmatch(stale, '([^\n]+)\n([^\n]+)\n') do
    some[#some + 1], at[#at + 1] = id, e
    if #some == 256 then -- a call takes not many more
      free(some, at)
      some, at = {}, {}
    end
  end
  if #some > 0 then free(some, at) end
  if #ids > 0 then
    redis.call('HSET', KEYS[3], IDS, table.concat(ids))
  elseif stale ~= '' then
    redis.call('HDEL', KEYS[3], IDS)
  end
  if s.stale == 1 then -- IDs of events that were lost are in no list
    local cursor = '0'
    repeat
      local page = redis.call('HSCAN', KEYS[3], cursor, 'COUNT', 512)
      cursor = page[1]
      for i = 1, #page[2], 2 do
        local field, at = page[2][i], page[2][i + 1]
        if field ~= '' and string.byte(field) ~= 0 and sequence(at) < s.first then redis.call('HDEL', KEYS[3], field) end
      end
    until cursor == '0'
    s.stale = 0
  end
end
for _, i in ipairs(own) do redis.call('HSET', KEYS[3], id(i), entries[i]) end

if retry and fence == '' then
  redis.call('HSET', KEYS[3], RETRIED, string.sub(done, -8192) .. ' ' .. token .. ':' .. entries[from])
  s.retried = s.now + 600000
elseif s.retried > 0 and s.retried <= s.now then
  redis.call('HDEL', KEYS[3], RETRIED)
  s.retried = 0
end
s.last = s.now
local fresh = s.missing
s.missing = nil
local hint = save(s, fresh)
if s.lease > s.now then tell(s.seq) end
return s.tag .. entries[from] .. (hint ~= 0 and '!' or '')
