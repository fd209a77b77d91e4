-- ARGV  config, the metadata that was changed, what it was changed to, fence or ''
local s, why = active()
if not s then return why end
why = guard(s, ARGV[4])
if why then return why end
local is = redis.call('HGET', KEYS[3], '')
if not is then return DAMAGED end
if is ~= ARGV[2] and is ~= ARGV[3] then return BUSY end -- it is ARGV[3] when the answer to an earlier attempt was lost
redis.call('HSET', KEYS[3], '', ARGV[3])
return touched(s)
