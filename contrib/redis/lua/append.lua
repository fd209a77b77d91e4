-- KEYS  state, events, index
-- ARGV  limits, record, event ID or '', milliseconds since the first attempt if this is another one
-- It answers the tag and the entry in one string, or the number of a refusal, or {3, tag, entry, record} for a duplicate.
--
-- Every append runs this: it counts calls, and writes the state in place, which leaves its expiry alone.
-- It has no shebang, so that a server out of memory refuses the first command that takes some and not the script: refusals that come before
-- ErrOverBudget stay what they are. Once a command has written, none is refused.
local raw = redis.call('GET', KEYS[1])
if not raw then return 1 end
local last, seq, first, bytes, gone, status, created, left, lease, keep = struct.unpack('<dddddddddd', raw)
local maxEvents, maxBytes, ttl, linger = struct.unpack('<dddd', ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now < last then now = last end
if status ~= 0 or now >= last + ttl and now >= lease then
  if status == 1 and (now < left + linger or linger == 0 and now < lease) then return 2 end
  return 1
end
local tag, record, id = string.sub(raw, 81), ARGV[2], ARGV[3]

local till = now + ttl
if till < lease then till = lease end
if keep < till + linger then
  keep = till + linger + math.max(1000, math.floor(ttl / 8))
  redis.call('SETRANGE', KEYS[1], 72, struct.pack('<d', keep))
  for i = 1, 3 do redis.call('PEXPIREAT', KEYS[i], keep) end
end

-- An ID that was given tells by itself whether the event is there; else the token in the record does, which each event has for itself.
local entry = string.format('%.0f-%.0f', seq + 1, now)
local found
if id ~= '' then
  if string.sub(id, 1, 13) == tag .. '-' then -- the ID that a retained event was assigned?
    local n, token = string.match(id, '^([1-9]%d*)%-(%w+)$', 14)
    local e = n and #n < 14 and redis.call('XRANGE', KEYS[2], n, n)[1]
    if e and string.sub(e[2][2], 17, 18) == '\0\0' and string.sub(e[2][2], 1, 8) == token then found = e end
  end
  if not found and redis.call('HSETNX', KEYS[3], id, entry) == 0 then
    local at = redis.call('HGET', KEYS[3], id)
    found = redis.call('XRANGE', KEYS[2], at, at)[1]
    if not found then redis.call('HSET', KEYS[3], id, entry) end
  end
  if found and not (ARGV[4] and string.sub(found[2][2], 1, 8) == string.sub(record, 1, 8)) then
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

if seq - first < maxEvents and bytes <= maxBytes then
  redis.call('XADD', KEYS[2], entry, 'e', record)
else
  local evicted, count = {}, 1
  while first < seq and (seq - first >= maxEvents or bytes > maxBytes) do
    local entries = redis.call('XRANGE', KEYS[2], string.format('%.0f', first), '+', 'COUNT', count)
    if #entries == 0 then first, bytes = seq, cost end -- somebody has deleted them
    for _, e in ipairs(entries) do
      local n, ms = string.match(e[1], '^(%d+)-(%d+)$')
      if seq - first < maxEvents and bytes <= maxBytes then break end
      local r = e[2][2]
      local length = string.byte(r, 17) + 256 * string.byte(r, 18)
      bytes = bytes - 42 - #r
      if length > 0 then evicted[#evicted + 1] = string.sub(r, 23, 22 + length) else bytes = bytes - 22 - #n end
      first, gone = n + 1, tonumber(ms)
    end
    count = 32
  end
  redis.call('XADD', KEYS[2], 'MINID', string.format('%.0f', first), entry, 'e', record)
  for _, own in ipairs(evicted) do redis.call('HDEL', KEYS[3], own) end
end
if seq == 1 then redis.call('PEXPIREAT', KEYS[2], keep) end -- it is new
redis.call('SETRANGE', KEYS[1], 0, struct.pack('<ddddd', now, seq, first, bytes, gone))
if lease > now then
  local channel, session = string.match(KEYS[1], '^(%b{})s:(.*)$')
  redis.call('SPUBLISH', channel, seq .. ' ' .. session)
end
return tag .. entry
