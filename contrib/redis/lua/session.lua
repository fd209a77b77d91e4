-- What all scripts but append.lua begin with. The keys of a session are, in this order:
--   state    eleven numbers, the session's tag, and costs, below
--   events   a stream of entries <sequence>-<milliseconds>, with the record in field e: what is retained, the one before, and
--            up to 32 more or a sixteenth of the bytes that are to be trimmed
--   index    a hash from an event ID that its producer gave to the entry; the metadata under '', the principal under NUL, and under
--            NUL ids and NUL retried what append.lua says: none of which is an event ID
--   leases   a sorted set of readers by the time until which they count
-- All times are the server's, in milliseconds. What a script refuses it answers by number, see refusal in script.go.
local FORMAT = '<ddddddddddd'
local maxEvents, maxBytes, ttl, linger, term = struct.unpack('<ddddd', ARGV[1])

-- load returns the session, or nil when it is unknown or no longer lingers.
--   status 0 active, 1 finished, 2 terminated, 3 expired      left   when it stopped being active
--   last   activity      seq  newest event      first  oldest retained one, seq + 1 when there is none
--   bytes  retained      lease  until when a reader holds the session open      keep  until when the keys live: some time longer than need be
--   retried  until when appends look whether another attempt has stored them
--   costs  what the next events to be evicted cost, and used, how many of these are no longer the next; see append.lua
local function load()
  local raw = redis.call('GET', KEYS[1])
  if not raw then return nil end
  local s = {}
  s.last, s.seq, s.first, s.bytes, s.used, s.status, s.created, s.left, s.lease, s.keep, s.retried = struct.unpack(FORMAT, raw)
  s.tag, s.costs = string.sub(raw, 89, 100), string.sub(raw, 101)
  local t = redis.call('TIME')
  s.now = math.max(t[1] * 1000 + math.floor(t[2] / 1000), s.last)
  if s.status == 0 and s.now >= s.last + ttl and s.now >= s.lease then
    s.status, s.left = 3, math.max(s.last + ttl, s.lease)
  elseif s.status == 1 and s.now >= s.left + linger and (linger > 0 or s.now >= s.lease) then
    s.status = 2
  end
  return s
end

local function ended(s) return s.status > 1 end
local function lingers(s) return s.now < s.left + linger end

-- save writes the state and sees to it that no key goes before the session does.
local function save(s)
  local till
  if s.status == 0 then
    till = math.max(s.last + ttl, s.lease) + linger
    if s.keep >= till then
      till = s.keep
    else
      till = till + math.max(1000, math.floor(ttl / 8))
    end
  else
    till = math.max(s.left + linger, s.lease)
  end
  if till ~= s.keep then
    s.keep = till
    redis.call('PEXPIREAT', KEYS[2], till)
    redis.call('PEXPIREAT', KEYS[3], till)
  end
  redis.call('SET', KEYS[1],
    struct.pack(FORMAT, s.last, s.seq, s.first, s.bytes, s.used, s.status, s.created, s.left, s.lease, s.keep, s.retried) .. s.tag .. s.costs, 'PXAT', s.keep)
end

-- tell wakes the session's followers, in all processes, to look for themselves.
local function tell(id) redis.call('SPUBLISH', string.match(KEYS[1], '^%b{}'), '0 ' .. id) end

local function sequence(entry) return tonumber(string.match(entry, '^%d+')) end

-- batch returns what follows the entry at, up to count events, as {newest sequence, entry, record, entry, …}, or the number of
-- a refusal. It looks whether at is still the entry that it was: a server that has lost the newest events gives their numbers again.
local function batch(s, at, count)
  local n = sequence(at)
  if n + 1 < s.first then return 6 end
  if n > s.seq then return 8 end
  local average = s.bytes / math.max(1, s.seq + 1 - s.first)
  count = math.max(1, math.min(count, math.floor(1048576 / math.max(1, average))))
  local entries, from = redis.call('XRANGE', KEYS[2], n, '+', 'COUNT', count + 1), 1
  if n > 0 then
    if not entries[1] or entries[1][1] ~= at then return 8 end
    from = 2
  end
  local flat = {s.seq}
  for i = from, #entries do
    local e = entries[i]
    flat[#flat + 1] = e[1]
    flat[#flat + 1] = e[2][2]
  end
  return flat
end

-- The script itself follows.
