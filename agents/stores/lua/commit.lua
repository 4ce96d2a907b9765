#!lua
-- One commit of one shard: all of it, or nothing when the stored fence is not the expected one.
-- KEYS  fence, record, due, outbox, then the states to set, then the states to delete.
-- ARGV  expected fence ('' for none), fence, record, how many states to set, to delete, ids due, ids not due any more;
--       then the states' values; moment, id pairs; ids not due any more; number, entry pairs of the outbox.
-- The first line makes Redis refuse the whole script when it may not write (out of memory, replica, disk full):
-- an error after the first write would not be undone. Arguments were checked in agents/stores/arguments.py.

local fence, record, due, outbox = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local to_set, to_delete, to_wake, to_rest =
  tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

if (redis.call('GET', fence) or '') ~= ARGV[1] then
  return 0
end

local key, arg = 4, 7
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

if arg < #ARGV then
  -- A shard put back may append numbers anew: the new entry stands for the number.
  redis.call('ZREMRANGEBYSCORE', outbox, ARGV[arg + 1], ARGV[#ARGV - 1])
end
for i = 1, #ARGV - arg, 2 do
  redis.call('ZADD', outbox, ARGV[arg + i], ARGV[arg + i] .. ':' .. ARGV[arg + i + 1])
end

redis.call('SET', record, ARGV[3])
redis.call('SET', fence, ARGV[2])
return 1
