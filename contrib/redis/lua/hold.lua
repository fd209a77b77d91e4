-- ARGV  config, what to do, then
--   'acquire'  holder, term, note       it answers {tag, token, note, ttl, most events, most bytes, most bytes of an event, most bytes of an ID,
--                                       1 for strict IDs or 0, metadata, principal, first, seq, claimed key, …}
--   'renew'    fence, term
--   'release'  fence
--   'restart'  fence, the next sequence
local s, why = active()
if not s then return why end
local act = ARGV[2]
if act == 'acquire' then
  if s.status == 1 then return FINISHED end
  local holder = redis.call('HGET', KEYS[3], HOLDER) or ''
  if s.held > s.now and holder ~= ARGV[3] then return {-HELD, holder, string.format('%.0f', s.held - s.now)} end
  local metadata, principal = unpack(redis.call('HMGET', KEYS[3], '', PRINCIPAL))
  if not metadata or not principal then return DAMAGED end
  s.token, s.held = s.token + 1, s.now + tonumber(ARGV[4])
  redis.call('HSET', KEYS[3], HOLDER, ARGV[3])
  if ARGV[5] ~= '' then redis.call('HSETNX', KEYS[3], NOTE, ARGV[5]) end
  local reply = {s.tag, string.format('%.0f', s.token), redis.call('HGET', KEYS[3], NOTE) or ''}
  touched(s)
  for _, n in ipairs({s.ttl, s.maxEvents, s.maxBytes, s.maxEventBytes, s.maxIDBytes, s.strictIDs}) do reply[#reply + 1] = string.format('%.0f', n) end
  reply[#reply + 1], reply[#reply + 2] = metadata, principal
  reply[#reply + 1], reply[#reply + 2] = string.format('%.0f', s.first), string.format('%.0f', s.seq)
  for _, name in ipairs(s.claims > 0 and redis.call('HKEYS', KEYS[3]) or {}) do
    if string.sub(name, 1, #CLAIM) == CLAIM then reply[#reply + 1] = string.sub(name, #CLAIM + 1) end
  end
  return reply
end
why = guard(s, ARGV[3])
if why then return why end
if act == 'renew' then
  s.held = s.now + tonumber(ARGV[4])
elseif act == 'release' then
  s.token, s.held = s.token + 1, 0
  save(s)
  return 0
elseif act == 'restart' then
  if s.status == 1 then return FINISHED end
  local next = tonumber(ARGV[4])
  if next <= s.seq then return {-MISSING, string.format('%.0f', s.seq)} end
  redis.call('XTRIM', KEYS[2], 'MAXLEN', 0)
  if next > s.seq + 1 or s.seq == 0 then s.newest = 1 end -- no entry has that time
  s.before = s.newest
  s.seq, s.first, s.bytes, s.used, s.costs, s.stale = next - 1, next, 0, 0, '', 1
  tell(0)
end
return touched(s)
