-- What wrk asks of a server. Arguments: append, json or read; then
--   append STREAMS DEPTH  appends 256 bytes to one stream after the other, DEPTH requests in one write
--   json STREAMS          appends a JSON array of 100 messages of 100 bytes
--   read OFFSET           reads stream 0 from there
-- It reports what wrk has counted as JSON, on a line of its own.

local function all(...)
  local header = { ["Content-Type"] = "application/octet-stream" }
  local what, first, depth = ...
  if what == "read" then
    return { wrk.format("GET", "/v1/stream/0?offset=" .. first, {}) }, 1
  end
  local body = string.rep("~", 256)
  if what == "json" then
    header["Content-Type"] = "application/json"
    local message = '{"n":1,"text":"' .. string.rep("~", 83) .. '"}'
    body = "[" .. string.rep(message .. ",", 99) .. message .. "]"
  end
  local requests = {}
  for i = 0, first - 1 do
    requests[i + 1] = wrk.format("POST", "/v1/stream/" .. i, header, body)
  end
  return requests, tonumber(depth or 1)
end

local writes, turn = {}, 0

function init(args)
  local requests, depth = all(unpack(args))
  for i = 1, #requests do
    local write = ""
    for j = i, i + depth - 1 do
      write = write .. requests[(j - 1) % #requests + 1]
    end
    writes[i] = write
  end
end

function request()
  turn = turn % #writes + 1
  return writes[turn]
end

function done(summary)
  local e = summary.errors
  print(string.format('{"requests":%d,"microseconds":%d,"errors":%d}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
