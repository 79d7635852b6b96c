-- Fills the fenced blocks of slides and book from the files that are tested:
--
--   ```{.c code="lessons/05-strand/main.c" region="wrap"}
--   ```
--   ```{.text output="lessons/05-strand/expected.txt"}
--   ```
--
-- A code block becomes the region of that name, from `region: NAME` to
-- `end: NAME`, or the whole file when it names none; definition="on_read" takes
-- that function or struct instead, without a mark in the source, and several
-- when it names several, a blank line between them; only="2-9" takes these lines
-- of either. lines="1-4|6" is kept as
-- data-line-numbers, for slides that step through it. An output block becomes
-- the expected output without the rules for its test (lines with a # first);
-- lines="3-9" takes an excerpt of it. Each block keeps its path as data-source. Paths are relative to the repository's
-- root, where pandoc is run. What is missing, empty or not closed is an error
-- that names file and region.

local function fail(message)
  io.stderr:write("docs/regions.lua: " .. message .. "\n")
  os.exit(1)
end

local function lines_of(path)
  local file = io.open(path)
  if not file then fail(path .. ": there is no such file") end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

-- The lines of a region; marks of others inside it are left out.
local function region(path, name)
  local found, inside = name == nil, name == nil
  local lines = {}
  for _, line in ipairs(lines_of(path)) do
    local what, which = line:match("^%s*[/#]%*?%s*(%l+): ([%w-]+)")
    if what ~= "region" and what ~= "end" then
      if inside then lines[#lines + 1] = line end
    elseif which == name then
      inside = what == "region"
      found = found or inside
    end
  end
  local where = path .. ": region " .. (name or "(whole file)")
  if not found then fail(where .. " does not exist") end
  if name and inside then fail(where .. " is not closed") end
  if not table.concat(lines):find("%S") then fail(where .. " is empty") end
  return lines
end

-- The function or struct of that name, from the margin to the brace at it.
local function definition(path, name)
  local lines, open = {}, false
  for _, line in ipairs(lines_of(path)) do
    if #lines > 0 or line:find("^%a.*%f[%w_]" .. name .. "%(") or
       line:find("^[%a ]*struct " .. name .. " {") then
      lines[#lines + 1] = line
      open = open or line:find("{%s*$") ~= nil
      if open and line:find("^}") then return lines end
      if not open and line:find(";%s*$") then lines = {} end
    end
  end
  fail(path .. ": definition " .. name .. " does not exist")
end

local function definitions(path, names)
  local lines = {}
  for name in names:gmatch("%S+") do
    if #lines > 0 then lines[#lines + 1] = "" end
    for _, line in ipairs(definition(path, name)) do
      lines[#lines + 1] = line
    end
  end
  return lines
end

local function excerpt(path, lines, range)
  if not range then return lines end
  local first, last = range:match("^(%d+)-(%d+)$")
  first, last = tonumber(first), tonumber(last)
  if not first or first < 1 or last < first or last > #lines then
    fail(path .. ": it has no lines " .. range .. " of " .. #lines)
  end
  return {table.unpack(lines, first, last)}
end

local function output(path, range)
  local lines = {}
  for _, line in ipairs(lines_of(path)) do
    if line:sub(1, 1) ~= "#" then lines[#lines + 1] = line end
  end
  lines = excerpt(path, lines, range)
  if #lines == 0 then fail(path .. ": the output is empty") end
  return lines
end

-- Without the indentation that all lines share, and blank lines at the ends.
local function dedent(lines)
  local text, indent = table.concat(lines, "\n"), nil
  for _, line in ipairs(lines) do
    if line:find("%S") then
      local spaces = #line:match("^ *")
      indent = math.min(indent or spaces, spaces)
    end
  end
  text = ("\n" .. text):gsub("\n" .. (" "):rep(indent), "\n")
  return (text:gsub("^%s*\n", ""):gsub("%s+$", ""))
end

function CodeBlock(block)
  local has = block.attributes
  local path = has.code or has.output
  if not path then
    if has.region or has.lines then fail("a block names no file") end
    if not block.text:find("%S") then fail("a block is empty") end
    return nil
  end
  if block.text:find("%S") then fail(path .. ": its block has to be empty") end
  if has.code then
    local lines = has.definition and definitions(path, has.definition)
      or region(path, has.region)
    block.text = dedent(excerpt(path, lines, has.only))
    has["line-numbers"] = has.lines
  else
    block.text = table.concat(output(path, has.lines), "\n")
  end
  has.source = path
  has.code, has.output, has.region, has.lines = nil, nil, nil, nil
  has.definition, has.only = nil, nil
  return block
end
