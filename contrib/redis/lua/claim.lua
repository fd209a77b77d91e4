-- ARGV  config, key or '' for one that is invalid, most keys, a token of the caller's
local s, why = active()
if not s then return why end
if s.status == 1 then return FINISHED end
if ARGV[2] == '' then return INVALID_CLAIM end
local by = redis.call('HGET', KEYS[3], CLAIM .. ARGV[2])
if by and by ~= ARGV[4] then return CLAIMED end -- else the answer to an earlier attempt was lost
if not by then
  if s.claims >= tonumber(ARGV[3]) then return CLAIM_LIMIT end
  redis.call('HSET', KEYS[3], CLAIM .. ARGV[2], ARGV[4])
  s.claims = s.claims + 1
end
return touched(s)
