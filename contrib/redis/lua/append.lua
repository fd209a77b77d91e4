-- KEYS  state, events, index
-- ARGV  limits, record, event ID or '', milliseconds since the first attempt if this is another one
-- It answers the tag and the entry in one string, or the number of a refusal, or {3, tag, entry, record} for a duplicate.
--
-- Every append runs this: it counts calls, and writes the state in place, which leaves its expiry alone.
-- It has no shebang, so that a server out of memory refuses the first command that takes some and not the script: refusals that come before
-- ErrOverBudget stay what they are. Once a command has written, none is refused.
local raw = redis.call('GET', KEYS[1])
if not raw then return 1 end
local last, seq, first, bytes, used, status, created, left, lease, keep, retried = struct.unpack('<ddddddddddd', raw)
local maxEvents, maxBytes, ttl, linger = struct.unpack('<dddd', ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now < last then now = last end
if status ~= 0 or now >= last + ttl and now >= lease then
  if status == 1 and (now < left + linger or linger == 0 and now < lease) then return 2 end
  return 1
end
local tag, record, id = string.sub(raw, 89, 100), ARGV[2], ARGV[3]

local till = now + ttl
if till < lease then till = lease end
if keep < till + linger then
  keep = till + linger + math.max(1000, math.floor(ttl / 8))
  redis.call('SETRANGE', KEYS[1], 72, struct.pack('<d', keep))
  for i = 1, 3 do redis.call('PEXPIREAT', KEYS[i], keep) end
end

local entry = string.format('%.0f-%.0f', seq + 1, now)

-- The first attempt may come after another one: it was on its way in a connection that the client has given up. An attempt that is not the first and
-- stores its event leaves its token and the entry in the index, for ten minutes at least, unless hundreds of others follow.
local done = ''
if retried > now then
  done = redis.call('HGET', KEYS[3], '\0retried') or ''
  local stored = string.match(done, ' ' .. string.sub(record, 1, 8) .. ':(%S+)')
  if stored then return tag .. stored end
end

-- An ID that was given tells by itself whether the event is there; else the token in the record does, which each event has for itself.
local found, ours
if id ~= '' then
  if string.sub(id, 1, 13) == tag .. '-' then -- the ID that a retained event was assigned?
    local n, token = string.match(id, '^([1-9]%d*)%-(%w+)$', 14)
    local e = n and #n < 14 and tonumber(n) >= first and redis.call('XRANGE', KEYS[2], n, n)[1]
    if e and string.sub(e[2][2], 17, 18) == '\0\0' and string.sub(e[2][2], 1, 8) == token then found = e end
  end
  if not found and redis.call('HSETNX', KEYS[3], id, entry) == 0 then
    local at = redis.call('HGET', KEYS[3], id)
    found = redis.call('XRANGE', KEYS[2], at, at)[1]
    ours = found and ARGV[4] and string.sub(found[2][2], 1, 8) == string.sub(record, 1, 8)
    if found and not ours and tonumber(string.match(at, '^%d+')) < first then found = nil end -- evicted: the ID is free
    if not found then redis.call('HSET', KEYS[3], id, entry) end
  end
  if found and not ours then
    redis.pcall('SETRANGE', KEYS[1], 0, struct.pack('<d', now))
    return {3, tag, found[1], found[2][2]}
  end
elseif ARGV[4] then
  local since, upto = now - tonumber(ARGV[4]) - 2000, '+'
  local older = first == 1
  repeat
    local entries = redis.call('XREVRANGE', KEYS[2], upto, '-', 'COUNT', 64)
    for _, e in ipairs(entries) do
      if string.sub(e[2][2], 1, 8) == string.sub(record, 1, 8) then found = e end
      upto = '(' .. e[1]
      older = older or tonumber(string.match(e[1], '%d+$')) < since
    end
  until found or #entries < 64 or older and first > 1
  if not found and not older then return 10 end
end
if found then return tag .. found[1] end

seq = seq + 1
local cost = 42 + #record -- 64 of overhead, and the record but for 22 bytes of its header
if id == '' then cost = cost + 22 + string.len(seq) end
bytes = bytes + cost

-- A log that is full evicts an event or so with each append. To do so without a look at the stream, the state holds what the next ones to go
-- cost, used of which have gone. When it has run out, the stream is trimmed by whole nodes up to one entry before
-- the log's first. The own IDs of the events in that list are kept in the index, each after its entry, and leave it when the list has run out.
local costs, ids, stale
while first < seq and (seq - first >= maxEvents or bytes > maxBytes) do
  local pos = 101 + 4 * used
  if pos > #raw then
    local count = math.floor(maxBytes / 16 / ((bytes - cost) / (seq - first)))
    local entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', math.max(1, math.min(32, count)))
    stale = (stale or redis.call('HGET', KEYS[3], '\0ids') or '') .. (ids and table.concat(ids) or '')
    costs, ids = {}, {}
    if #entries == 0 then -- somebody has deleted them
      first, bytes, used = seq, cost, 0
      break
    end
    for i, e in ipairs(entries) do
      local r = e[2][2]
      local size, low, high = 42 + #r, string.byte(r, 17, 18)
      if low + high == 0 then
        size = size + 22 + #string.match(e[1], '^%d+')
      else
        ids[#ids + 1] = e[1] .. '\n' .. string.sub(r, 23, 22 + low + 256 * high) .. '\n'
      end
      costs[i] = struct.pack('<I4', size)
    end
    raw, pos, used = string.sub(raw, 1, 100) .. table.concat(costs), 101, 0
  end
  first, bytes, used = first + 1, bytes - struct.unpack('<I4', raw, pos), used + 1
end

local before = retried
if ARGV[4] then
  retried = now + 600000
elseif retried <= now then
  retried = 0
end
if costs then
  redis.call('XADD', KEYS[2], 'MINID', '~', first - 1, entry, 'e', record)
  local own, at = {}, {}
  local function free()
    local gone = {}
    for i, newest in ipairs(redis.call('HMGET', KEYS[3], unpack(own))) do
      if newest == at[i] then gone[#gone + 1] = own[i] end -- else it was given again
    end
    if #gone > 0 then redis.call('HDEL', KEYS[3], unpack(gone)) end
    own, at = {}, {}
  end
  for e, id in string.gmatch(stale, '([^\n]+)\n([^\n]+)\n') do
    own[#own + 1], at[#at + 1] = id, e
    if #own == 256 then free() end -- a call takes not many more
  end
  if #own > 0 then free() end
  if #ids > 0 then
    redis.call('HSET', KEYS[3], '\0ids', table.concat(ids))
  elseif stale ~= '' then
    redis.call('HDEL', KEYS[3], '\0ids')
  end
  redis.call('SET', KEYS[1], struct.pack('<ddddddddddd', now, seq, first, bytes, used, status, created, left, lease, keep, retried)
    .. tag .. table.concat(costs), 'KEEPTTL')
else
  redis.call('XADD', KEYS[2], entry, 'e', record)
  if seq == 1 then redis.call('PEXPIREAT', KEYS[2], keep) end -- it is new
  redis.call('SETRANGE', KEYS[1], 0, struct.pack('<ddddd', now, seq, first, bytes, used))
end
if retried ~= before and not costs then redis.call('SETRANGE', KEYS[1], 80, struct.pack('<d', retried)) end
if ARGV[4] then
  redis.call('HSET', KEYS[3], '\0retried', string.sub(done, -8192) .. ' ' .. string.sub(record, 1, 8) .. ':' .. entry)
elseif retried < before then
  redis.call('HDEL', KEYS[3], '\0retried')
end
if lease > now then
  local channel, session = string.match(KEYS[1], '^(%b{})s:(.*)$')
  redis.call('SPUBLISH', channel, seq .. ' ' .. session)
end
return tag .. entry
