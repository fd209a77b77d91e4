-- ARGV  config, tag, most readers, reader, …: with a + in front, one that is to be attached again if there is room, because its lease ran out; one
--       without may have been detached meanwhile
-- It answers {status, newest sequence, HINT or 0, for each reader 1 if it is attached, 0 if not, 2 if there is no room}.
local s, why = load()
if not s then return why end
if s.tag ~= ARGV[2] then return NOT_FOUND end
local most, till, any = tonumber(ARGV[3]), s.now + term, false
redis.call('ZREMRANGEBYSCORE', KEYS[4], '(0', s.now)
local reply = {s.status, s.seq, 0}
for i = 4, #ARGV do
  local again, name = string.match(ARGV[i], '^(%+?)(.*)$')
  local score = tonumber(redis.call('ZSCORE', KEYS[4], name) or 0)
  local answer = score > 0 and 1 or 0
  if score == 0 and again == '+' and not ended(s) then
    answer = most > 0 and redis.call('ZCOUNT', KEYS[4], '(0', '+inf') >= most and 2 or 1
  end
  if answer == 1 then
    any = true
    redis.call('ZADD', KEYS[4], till, name, 0, '')
  end
  reply[#reply + 1] = answer
end
if any then
  s.lease = math.max(s.lease, till)
  reply[3] = touched(s)
  redis.call('PEXPIREAT', KEYS[4], s.keep)
end
return reply
