-- KEYS  as for every script; or the first alone while a cluster moves the slot, for a session of which neither side has anything
-- ARGV  config, tag, metadata, principal, the registry's time until which to do it or '0', for how long the registry knows it or 0,
--       ttl, most events, most bytes, most bytes of an event, most bytes of an ID, '1' for strict IDs, holder or '', its term, its note, then the keys
--       that are claimed
local alone = #KEYS == 1
if alone then
  local channel, id = string.match(KEYS[1], '^(%b{})s:(.*)$')
  KEYS[2], KEYS[3], KEYS[4] = channel .. 'e:' .. id, channel .. 'i:' .. id, channel .. 'l:' .. id
end
local raw = redis.call('GET', KEYS[1])
if raw and alone then return BUSY end
local s, why
if raw then
  s, why = load()
  if why == OTHER_CONFIG then return why end
end
if s and s.tag == ARGV[2] then return 0 end -- the answer to an earlier attempt was lost
local goesOn = s and s.status == 3 and ARGV[15] ~= '' and redis.call('HGET', KEYS[3], NOTE) == ARGV[15] -- in memory, in front of the Store
if s and not goesOn and (not ended(s) or lingers(s)) then return EXISTS end
local now = clock()
if ARGV[5] ~= '0' and now > tonumber(ARGV[5]) then return BUSY end
for i = 1, 4 do -- what is left of a session that had this ID
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('DEL', KEYS[i]) end
end
if s then tell(0) end
redis.call('HSET', KEYS[3], '', ARGV[3], PRINCIPAL, ARGV[4], TAG, ARGV[2])
redis.call('ZADD', KEYS[4], 0, '')
local placed, held = tonumber(ARGV[6]), 0
if placed > 0 then placed = now + placed end
if ARGV[13] ~= '' then
  held = now + tonumber(ARGV[14])
  redis.call('HSET', KEYS[3], HOLDER, ARGV[13])
  if ARGV[15] ~= '' then redis.call('HSET', KEYS[3], NOTE, ARGV[15]) end
end
local claims = 0
for i = 16, #ARGV do claims = claims + redis.call('HSET', KEYS[3], CLAIM .. ARGV[i], '') end
save({config = config, last = now, seq = 0, newest = 0, first = 1, bytes = 0, created = now, left = 0, lease = 0, keep = 0, retried = 0, before = 0,
  token = held > 0 and 1 or 0, held = held, placed = placed, ttl = tonumber(ARGV[7]), maxEvents = tonumber(ARGV[8]), maxBytes = tonumber(ARGV[9]),
  maxEventBytes = tonumber(ARGV[10]), maxIDBytes = tonumber(ARGV[11]), strictIDs = tonumber(ARGV[12]),
  claims = claims, status = 0, used = 0, lost = 0, stale = 0, tag = ARGV[2], costs = '', now = now, missing = true})
return 0
