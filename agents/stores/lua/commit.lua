#!lua
-- One commit of one shard: all of it, or nothing when the stored fence is not the expected one.
-- KEYS  fence, record, due, outbox, then the states to set, the states to delete, the indexes, the buckets of measures
--       to delete, the buckets to add to.
-- ARGV  expected fence ('' for none), fence, record, how many states to set, to delete, ids due, ids not due any more,
--       indexes, buckets to delete, buckets to add to, arguments of these;
--       then the states' values; moment, id pairs; ids not due any more; for each index how many scores, how many ids
--       to take out, score, id pairs, those ids; for each bucket how many fields, and field, increment pairs;
--       number, entry pairs of the outbox.
-- The first line makes Redis refuse the whole script when it may not write (out of memory, replica, disk full):
-- an error after the first write would not be undone. Arguments were checked in agents/stores/arguments.py.

local fence, record, due, outbox = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local to_set, to_delete, to_wake, to_rest =
  tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local to_place, to_expire, to_add, of_measures =
  tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local indexes = 4 + to_set + to_delete

if (redis.call('GET', fence) or '') ~= ARGV[1] then
  return 0
end

-- A key of another type fails here, before anything is written.
for i = indexes + 1, indexes + to_place do
  redis.call('ZCARD', KEYS[i])
end
for i = #KEYS - to_add + 1, #KEYS do
  redis.call('HLEN', KEYS[i])
end

local key, arg = 4, 11
for i = 1, to_set do
  redis.call('SET', KEYS[key + i], ARGV[arg + i])
end
key, arg = key + to_set, arg + to_set
for i = 1, to_delete do
  redis.call('DEL', KEYS[key + i])
end

for i = 1, 2 * to_wake, 2 do
  redis.call('ZADD', due, ARGV[arg + i], ARGV[arg + i + 1])
end
arg = arg + 2 * to_wake
for i = 1, to_rest do
  redis.call('ZREM', due, ARGV[arg + i])
end
arg = arg + to_rest

for i = indexes + 1, indexes + to_place do
  local scores, gone = tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  arg = arg + 2
  for j = arg + 1, arg + 2 * scores, 2 do
    redis.call('ZADD', KEYS[i], ARGV[j], ARGV[j + 1])
  end
  arg = arg + 2 * scores
  for j = arg + 1, arg + gone do
    redis.call('ZREM', KEYS[i], ARGV[j])
  end
  arg = arg + gone
end

local measures = arg
arg = arg + of_measures

if arg < #ARGV then
  -- A shard put back may append numbers anew: the new entry stands for the number.
  redis.call('ZREMRANGEBYSCORE', outbox, ARGV[arg + 1], ARGV[#ARGV - 1])
end
for i = 1, #ARGV - arg, 2 do
  redis.call('ZADD', outbox, ARGV[arg + i], ARGV[arg + i] .. ':' .. ARGV[arg + i + 1])
end

-- Increments are the only writes that a retry would repeat: nothing may fail once one is made. An increment stays text,
-- because Lua's numbers are doubles; a total that would leave 64 bits is an error of HINCRBY, and stays as it is.
key = indexes + to_place
for i = 1, to_expire do
  redis.call('UNLINK', KEYS[key + i])
end
key, arg = key + to_expire, measures
for i = 1, to_add do
  local fields = tonumber(ARGV[arg + 1])
  for j = arg + 2, arg + 2 * fields, 2 do
    redis.pcall('HINCRBY', KEYS[key + i], ARGV[j], ARGV[j + 1])
  end
  arg = arg + 1 + 2 * fields
end

redis.call('SET', record, ARGV[3])
redis.call('SET', fence, ARGV[2])
return 1
