-- KEYS  state, events, index
-- ARGV  limits, the metadata that was changed, what it was changed to
local s = load()
if not s or ended(s) then return 1 end
local is = redis.call('HGET', KEYS[3], '')
if is ~= ARGV[2] and is ~= ARGV[3] then return 9 end -- it is ARGV[3] when the answer to an earlier attempt was lost
redis.call('HSET', KEYS[3], '', ARGV[3])
if s.status == 0 then s.last = s.now end
save(s)
return 0
