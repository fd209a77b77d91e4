-- KEYS  state, events, index
-- ARGV  limits, session ID, header, data, event ID or '', milliseconds since the first attempt or ''
-- It answers '<tag>-<sequence>', or the number of a refusal, or {3, tag, entry} for a duplicate.
--
-- Without a shebang, so that a server out of memory refuses the first command that takes some and not the script: refusals that
-- come before ErrOverBudget stay what they are. Once a command has written, none is refused: XADD comes first.
local raw = redis.call('GET', KEYS[1])
if not raw then return 1 end
local status, created, last, left, seq, first, bytes, lease, keep, gone = struct.unpack('<dddddddddd', raw)
local maxEvents, maxBytes, ttl, linger = struct.unpack('<dddd', ARGV[1])
local time = redis.call('TIME')
local now = math.max(time[1] * 1000 + math.floor(time[2] / 1000), last)
if status ~= 0 or now >= last + ttl and now >= lease then
  if status == 1 and (now < left + linger or linger == 0 and now < lease) then return 2 end
  return 1
end
local tag, header, data, id = string.sub(raw, 81), ARGV[3], ARGV[4], ARGV[5]
local token = string.sub(header, 1, 8)

local function save()
  local till = math.max(now + ttl, lease)
  if keep < till then
    keep = till + math.max(60000, math.floor(ttl / 8))
    redis.call('PEXPIREAT', KEYS[2], keep)
    redis.call('PEXPIREAT', KEYS[3], keep)
  end
  redis.call('SET', KEYS[1], struct.pack('<dddddddddd', status, created, now, left, seq, first, bytes, lease, keep, gone) .. tag,
    'PXAT', till + linger)
end

local function stored(e) return tag .. '-' .. string.match(e[1], '^%d+') end

-- An event ID tells of itself whether the event is there; else the token in the header does, which each event has for itself.
local found
if id ~= '' then
  local at = redis.call('HGET', KEYS[3], id)
  if at then
    found = redis.call('XRANGE', KEYS[2], at, at)[1]
  elseif string.sub(id, 1, 13) == tag .. '-' then -- the ID that a retained event was assigned?
    local n, its = string.match(id, '^([1-9]%d*)%-(%w+)$', 14)
    if n and #n < 14 then
      local e = redis.call('XRANGE', KEYS[2], n, n)[1]
      if e and string.sub(e[2][2], 17, 18) == '\0\0' and string.sub(e[2][2], 1, 8) == its then found = e end
    end
  end
  if found then
    if ARGV[6] ~= '' and string.sub(found[2][2], 1, 8) == token then return stored(found) end
    return {3, tag, found[1], found[2][2], found[2][4]}
  end
elseif ARGV[6] ~= '' then
  local since, upto = now - tonumber(ARGV[6]) - 2000, '+'
  local older = first == 1
  repeat
    local entries = redis.call('XREVRANGE', KEYS[2], upto, '-', 'COUNT', 64)
    for _, e in ipairs(entries) do
      if string.sub(e[2][2], 1, 8) == token then return stored(e) end
      upto = '(' .. e[1]
      older = older or tonumber(string.match(e[1], '%d+$')) < since
    end
  until #entries < 64 or older and first > 1
  if not older then return 10 end
end

seq = seq + 1
local cost = 44 + #header + #data -- 64 of overhead, less the 20 of the header that are not the event's
if id == '' then cost = cost + 22 + string.len(seq) end
bytes = bytes + cost

local evicted, count = {}, 1
while first < seq and (seq - first >= maxEvents or bytes > maxBytes) do
  local entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', count)
  if #entries == 0 then first, bytes = seq, cost end -- somebody has deleted them
  for _, e in ipairs(entries) do
    if seq - first < maxEvents and bytes <= maxBytes then break end
    local n, ms = string.match(e[1], '^(%d+)-(%d+)$')
    local h = e[2][2]
    local length = string.byte(h, 17) + 256 * string.byte(h, 18)
    bytes = bytes - (44 + #h + #e[2][4])
    if length > 0 then evicted[#evicted + 1] = string.sub(h, 21, 20 + length) else bytes = bytes - 22 - #n end
    first, gone = n + 1, tonumber(ms)
  end
  count = 32
end

local entry = string.format('%.0f-%.0f', seq, now)
if first > 1 then
  redis.call('XADD', KEYS[2], 'MINID', '=', string.format('%.0f', first), entry, 'h', header, 'd', data)
else
  redis.call('XADD', KEYS[2], entry, 'h', header, 'd', data)
end
if id ~= '' then redis.call('HSET', KEYS[3], id, entry) end
for _, own in ipairs(evicted) do redis.call('HDEL', KEYS[3], own) end
if seq == 1 then keep = 0 end -- the stream is new and has no expiry
save()
if lease > now then
  redis.call('SPUBLISH', string.match(KEYS[1], '^%b{}'), seq .. ' ' .. ARGV[2])
end
return tag .. '-' .. seq
