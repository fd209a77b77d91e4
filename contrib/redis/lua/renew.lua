-- KEYS  state, events, index, leases
-- ARGV  limits, tag, reader, …: with a + in front, one that is to be attached again if it is not, because its lease ran out; one without may
--       have been detached meanwhile
-- It answers {status, newest sequence, 1 or 0 for each reader: whether it is attached}.
local s = load()
if not s or s.tag ~= ARGV[2] then return 1 end
local reply, till, any = {s.status, s.seq}, s.now + term, false
for i = 3, #ARGV do
  local again, name = string.match(ARGV[i], '^(%+?)(.*)$')
  local attached = again == '+' or redis.call('ZSCORE', KEYS[4], name)
  if attached then
    any = true
    redis.call('ZADD', KEYS[4], till, name)
  end
  reply[#reply + 1] = attached and 1 or 0
end
if any then
  redis.call('PEXPIREAT', KEYS[4], till)
  s.lease = math.max(s.lease, till)
  if s.status == 0 then s.last = s.now end
  save(s)
end
return reply
