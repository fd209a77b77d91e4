-- What every script of a session begins with. The keys of a session are, in this order:
--   state    a packed state, see FORMAT
--   events   a stream of entries <sequence>-<milliseconds>, with the record in field e: what is retained, the one before, and
--            up to 32 more or a sixteenth of the bytes that are to be trimmed
--   index    a hash: the metadata under '', an event ID that its producer gave to the entry under that ID, and under names that
--            begin with NUL, as no event ID does: the principal (PRINCIPAL), the tag of the session again (TAG), who holds it (HOLDER), the
--            holder's note (NOTE), what append.lua says (IDS, RETRIED), and each claimed key after CLAIM
--   leases   a sorted set of readers by the time until which they count; '' with 0, so that it is never empty; readers that must not
--            come any more by the negated time until which that is remembered
-- While a session lives all four exist, so that one of them that is missing is one that the server has dropped, and so that a cluster
-- that moves a slot finds all of a session in one place or the other.
-- All times are the server's, in milliseconds. What a script refuses it answers by a number that has a name, see refusal.go, or by a list that
-- begins with that number negated.
local TAG, PRINCIPAL, HOLDER, NOTE, IDS, RETRIED, CLAIM = '\0tag', '\0', '\0holder', '\0note', '\0ids', '\0retried', '\0c'
local config, linger, term = struct.unpack('<I4dd', ARGV[1])

-- The state. This is the only place that knows its layout; after it come the tag, 12 bytes, and costs.
--   config  fingerprint of the Config of the Store that made the session; it comes first, and another one is refused
--   last  activity    seq  newest event, newest its milliseconds    first  oldest retained one, seq + 1 when there is none
--   bytes  retained    created    left  when it stopped being active    lease  until when a reader holds the session open
--   keep  until when the keys live: some time longer than need be
--   retried  until when appends look whether another attempt has stored them
--   before  milliseconds of the entry before first when the stream has it no more, else 0
--   token, held  of the writer that holds the session, and until when; held is 0 when none does
--   placed  until when the registry of places is sure to know the session; 0 when it does not have to
--   ttl, maxBytes, maxEvents, maxEventBytes, maxIDBytes  limits of this session    strictIDs  1 where IDs are printable ASCII    claims  how many keys are claimed
--   status  0 active, 1 finished, 2 terminated, 3 expired
--   used  how many of costs have been used up; costs, four bytes each, are what the next events to be evicted cost, see append.lua
--   lost  1 when the server has dropped events and no reader from the start was told so yet    stale  1 while IDs of such events may be in the index
local FORMAT = '<I4ddddddddddddddddI4I4I4BBBBBI2'
local function unpacked(raw)
  local s, at = {}
  s.config, s.last, s.seq, s.newest, s.first, s.bytes, s.created, s.left, s.lease, s.keep, s.retried, s.before, s.token, s.held, s.placed,
    s.ttl, s.maxBytes, s.maxEvents, s.maxEventBytes, s.claims, s.status, s.used, s.lost, s.stale, s.strictIDs, s.maxIDBytes, at = struct.unpack(FORMAT, raw)
  s.tag, s.costs = string.sub(raw, at, at + 11), string.sub(raw, at + 12)
  return s
end
local function packed(s)
  return struct.pack(FORMAT, s.config, s.last, s.seq, s.newest, s.first, s.bytes, s.created, s.left, s.lease, s.keep, s.retried, s.before,
    s.token, s.held, s.placed, s.ttl, s.maxBytes, s.maxEvents, s.maxEventBytes, s.claims, s.status, s.used, s.lost, s.stale,
    s.strictIDs, s.maxIDBytes) .. s.tag .. s.costs
end

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function ended(s) return s.status > 1 end
local function lingers(s) return s.now < s.left + linger end
local function sequence(entry) return tonumber(string.match(entry, '^%d+')) end
local function millis(entry) return tonumber(string.match(entry, '%d+$')) end
local function entryOf(seq, ms) return string.format('%.0f-%.0f', seq, ms) end

-- lose notes that the events are no longer there. They count as evicted from now on.
local function lose(s)
  if s.first <= s.seq then s.lost, s.stale = 1, 1 end
  s.first, s.bytes, s.used, s.costs, s.before = s.seq + 1, 0, 0, '', s.newest
end

-- load returns the session, or nil and the number of a refusal: it is unknown, or a part of it is gone without which nobody can say whose it is.
local function load()
  local raw = redis.call('GET', KEYS[1])
  if not raw then return nil, NOT_FOUND end
  if #raw < 4 or struct.unpack('<I4', raw) ~= config then return nil, OTHER_CONFIG end
  local s = unpacked(raw)
  s.now = math.max(clock(), s.last)
  if redis.call('HGET', KEYS[3], TAG) ~= s.tag then return nil, DAMAGED end
  if redis.call('EXISTS', KEYS[2]) == 0 then
    s.missing = true
    lose(s)
  end
  if s.status == 0 and s.now >= s.last + s.ttl and s.now >= s.lease then
    s.status, s.left = 3, math.max(s.last + s.ttl, s.lease)
  elseif s.status == 1 and s.now >= s.left + linger and (linger > 0 or s.now >= s.lease) then
    s.status = 2
  end
  return s
end

-- active is load for what needs a session that has not ended.
local function active()
  local s, why = load()
  if s and ended(s) then return nil, NOT_FOUND end
  return s, why
end

-- guard returns nil if the caller may write, else its refusal. fence is the tag and the token of a writer, or '' for a call that is nobody's; one
-- of these takes the session from a writer whose lease has run out.
local function guard(s, fence)
  if fence ~= '' then
    if string.sub(fence, 1, 12) ~= s.tag then return NOT_FOUND end
    if tonumber(string.sub(fence, 13)) ~= s.token then return FENCED end
    return nil
  end
  if s.held > s.now then return {-HELD, redis.call('HGET', KEYS[3], HOLDER) or '', string.format('%.0f', s.held - s.now)} end
  if s.held > 0 then s.token, s.held = s.token + 1, 0 end
  return nil
end

-- save writes the state, makes an event stream that is missing, and sees to it that every key lives as long as the session does and no
-- longer. all makes it say so again for keys that are new. It returns HINT when the registry should hear that the session lives on, else 0.
local function save(s, all)
  local till
  if s.status == 0 then
    till = math.max(s.last + s.ttl, s.lease) + linger
    if s.keep >= till then
      till = s.keep
    else
      till = till + math.max(1000, math.floor(s.ttl / 8))
    end
  else
    till = math.max(s.left + linger, s.lease, s.remembered or 0)
  end
  if s.missing then
    redis.call('XADD', KEYS[2], 'MAXLEN', 0, s.seq > 0 and entryOf(s.seq, s.newest) or '0-1', 'e', '')
    s.missing, all = nil, true
  end
  if till ~= s.keep or all then
    s.keep = till
    for i = 2, 4 do redis.call('PEXPIREAT', KEYS[i], till) end
  end
  redis.call('SET', KEYS[1], packed(s), 'PXAT', till)
  if s.status == 0 and s.placed > 0 and math.max(s.last + s.ttl, s.lease) + s.ttl / 2 > s.placed then return HINT end
  return 0
end

-- touched is save after activity.
local function touched(s)
  if s.status == 0 then s.last = s.now end
  return save(s)
end

-- tell wakes the session's readers, in all processes, to look for themselves; seq is 0 when it is not about an event.
local function tell(seq)
  local channel, id = string.match(KEYS[1], '^(%b{})s:(.*)$')
  redis.call('SPUBLISH', channel, string.format('%.0f ', seq) .. id)
end

-- beginning returns the entry that the oldest retained event follows, or nil if it is lost.
local function beginning(s)
  if s.first > s.seq then return s.seq > 0 and entryOf(s.seq, s.newest) or '0-0' end
  if s.before > 0 then return entryOf(s.first - 1, s.before) end
  if s.first == 1 then return '0-0' end
  local n = string.format('%.0f', s.first - 1)
  local e = redis.call('XRANGE', KEYS[2], n, n)[1]
  return e and e[1]
end

-- batch returns what follows the entry at, up to count events, as {newest sequence, entry, record, entry, …}, or nil and the number of
-- a refusal. It looks whether at is still the entry that it was, for a server that has lost the newest events gives their numbers again, and
-- whether what follows is there without a gap.
local function batch(s, at, count)
  local n = sequence(at)
  if n + 1 < s.first then return nil, s.stale == 1 and LOST or EVICTED end
  if n > s.seq then return nil, LOST end
  if n == s.seq then
    if n > 0 and at ~= entryOf(n, s.newest) then return nil, LOST end
    return {s.seq}
  end
  local average = s.bytes / math.max(1, s.seq + 1 - s.first)
  count = math.max(1, math.min(count, math.floor(1048576 / math.max(1, average))))
  local from, next = n, 2
  if n == 0 or n + 1 == s.first and s.before > 0 then
    if n > 0 and at ~= entryOf(n, s.before) then return nil, LOST end
    from, next = n + 1, 1
  end
  local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', count + next - 1)
  local newest = entries[#entries]
  if #entries < next or next == 2 and entries[1][1] ~= at or sequence(newest[1]) ~= n + #entries + 1 - next
    or millis(entries[next][1]) < s.created then
    return nil, LOST
  end
  local flat = {s.seq}
  for i = next, #entries do
    local e = entries[i]
    flat[#flat + 1] = e[1]
    flat[#flat + 1] = e[2][2]
  end
  return flat
end

-- assigned returns the retained entry that was given this ID by the Store, or nil; and whether it is an ID of this session at all.
local function assigned(s, id)
  if string.sub(id, 1, 13) ~= s.tag .. '-' then return nil end
  local n, token = string.match(id, '^([1-9]%d*)%-(%w+)$', 14)
  if not n or #n > 13 or #token ~= 8 or tonumber(n) > s.seq then return nil end
  if tonumber(n) < s.first then return nil, true end
  local e = redis.call('XRANGE', KEYS[2], n, n)[1]
  if e and string.sub(e[2][2], 17, 18) == '\0\0' and string.sub(e[2][2], 1, 8) == token then return e end
  return nil
end

-- The script itself follows.
