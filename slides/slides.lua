-- What slides have beyond what pandoc makes of a heading and its text:
--
--   ## A claim {lesson=5 lit="butler johnny" command="make demo10"}
--
-- A footer: the lesson with its title and its command (`make lessonN` or
-- `make demoN` unless another is given), the roles of the story of which some
-- are lit, and the number of the slide.
-- ![What is seen](slides/pictures/ding.svg) is put in place, so that it has the
-- colours of the theme and can move; its cast is in cast.svg. The first line of
-- the notes is the time that the slide takes; the speaker's view goes by it. In
-- output, {*} stands for what differs from run to run, and is shown as dots.
-- Under each block that was cut from a file stands the file's name. The cover
-- and the last slide link to the other decks.

local ROLES = {"dad", "owner", "blender", "table", "assistant", "butler",
  "johnny", "susie"}
local NODE = os.getenv("NODE_MODULES") or "build/node/node_modules"

local function fail(message)
  io.stderr:write("slides/slides.lua: " .. message .. "\n")
  os.exit(1)
end

local function read(path)
  local file = io.open(path)
  if not file then fail(path .. ": there is no such file") end
  local text = file:read("a")
  file:close()
  return text
end

-- "# Lesson 5: a strand" is the first line of a lesson's README.
-- A lesson with company has a demo.
local function lesson(number)
  local list = io.popen(("ls -d lessons/%02d-*/"):format(number))
  local dir = list:read("l")
  list:close()
  if not dir then fail("there is no lesson " .. number) end
  local demo = io.open(dir .. "demo.sh")
  if demo then demo:close() end
  return read(dir .. "README.md"):match("^# ([^\n]+)"),
    "make " .. (demo and "demo" or "lesson") .. number
end

local function strip(lit)
  local html = {}
  for _, role in ipairs(ROLES) do
    local on = (" " .. lit .. " "):find(" " .. role .. " ", 1, true)
    html[#html + 1] = ('<span class="role%s"><svg viewBox="-50 -150 100 154" '
      .. 'aria-hidden="true"><use href="#%s"/></svg>%s</span>'):format(
      on and " lit" or "", role, on and role:gsub("^%l", string.upper) or "")
  end
  return '<span class="strip">' .. table.concat(html) .. "</span>"
end

local function footer(header, number)
  local has = header.attributes
  local html = {"<footer>"}
  if has.lesson then
    local title, command = lesson(has.lesson)
    html[#html + 1] = ('<span class="lesson">%s <code>%s</code></span>'):format(
      title, has.command or command)
  else
    html[#html + 1] = '<span class="lesson"></span>'
  end
  if has.lit then html[#html + 1] = strip(has.lit) end
  html[#html + 1] = ('<span class="number">%d</span></footer>'):format(number)
  has.lesson, has.lit, has.command = nil, nil, nil
  return pandoc.RawBlock("html", table.concat(html))
end

-- The text of a picture without its prolog; references to the cast are local.
local function picture(image)
  local alt = pandoc.utils.stringify(image.caption):gsub('"', "&quot;")
  if alt == "" then fail(image.src .. ": nobody can tell what is seen") end
  local svg = read(image.src):gsub("<!%-%-.-%-%->", ""):gsub("cast%.svg#", "#")
  svg = svg:gsub("<svg ", '<svg role="img" aria-label="' .. alt .. '" ', 1)
  return pandoc.RawBlock("html",
    '<figure class="picture">' .. svg .. "</figure>")
end

function Para(para)
  if #para.content == 1 and para.content[1].t == "Image" then
    return picture(para.content[1])
  end
end

-- The name of the file stands on the lower edge of its block. What a program
-- prints has no name that anybody wants to know.
function CodeBlock(block)
  local text, path = block.classes:includes("text"), block.attributes.source
  if text then block.text = block.text:gsub("{%*}", "…") end
  block.attributes.source = nil
  if not path then return block end
  local name = pandoc.Span(text and "what it prints" or path, {class = "file"})
  return pandoc.Div({block, pandoc.Plain({name})}, {class = "block"})
end

-- The decks in order: file, title, and whether it is this one.
local function decks()
  local list, found = io.popen("ls slides/[1-9]-*.md"), {}
  local this = (PANDOC_STATE.input_files[1] or ""):match("[^/]*$")
  for path in list:lines() do
    local name = path:match("[^/]*$")
    found[#found + 1] = {file = name:gsub("%.md$", ".html"), this = name == this,
      title = read(path):match('\ntitle: "([^"]+)"')}
  end
  list:close()
  return found
end

local function link(deck, text)
  return deck.this and "<b>" .. text .. "</b>" or
    ('<a href="%s" title="%s">%s</a>'):format(deck.file, deck.title, text)
end

-- On the cover: all decks.
local function onward_from_cover()
  local html = {}
  for i, deck in ipairs(decks()) do
    html[i] = link(deck, deck.title:match("^%S+"))
  end
  return pandoc.RawBlock("html", '<p class="decks">Decks: ' ..
    table.concat(html, " ") .. "</p>")
end

-- On the last slide: the next deck, or from the last one back to the first.
local function onward()
  local all, to = decks(), nil
  for i, deck in ipairs(all) do
    if deck.this then to = all[i + 1] or all[1] end
  end
  if not to then fail("the deck is none of slides/[1-9]-*.md") end
  return pandoc.RawBlock("html", '<p class="decks">' ..
    (to == all[1] and "Again: " or "Next: ") .. link(to, to.title) .. "</p>")
end

function Pandoc(doc)
  local blocks, header, number = {}, nil, 0
  local function close()
    if header and header.classes:includes("cover") then
      blocks[#blocks + 1] = onward_from_cover()
    end
    if header then blocks[#blocks + 1] = footer(header, number) end
  end
  for _, block in ipairs(doc.blocks) do
    if block.t == "Header" and block.level == 2 then
      close()
      header, number = block, number + 1
    end
    if block.t == "Div" and block.classes:includes("notes") and header then
      local minutes = pandoc.utils.stringify(block):match("^(%d+) minute")
      header.attributes.timing = minutes and
        ("%d"):format(60 * minutes)
    end
    blocks[#blocks + 1] = block
  end
  close()
  if #blocks > 0 then table.insert(blocks, #blocks, onward()) end
  local inlined = {
    ["reveal-css"] = NODE .. "/reveal.js/dist/reveal.css",
    ["reveal-js"] = NODE .. "/reveal.js/dist/reveal.js",
    ["notes-js"] = NODE .. "/reveal.js/plugin/notes/notes.js",
    ["theme-css"] = "slides/theme.css",
    ["steps-js"] = "slides/steps.js",
    ["cast"] = "slides/pictures/cast.svg"
  }
  for name, path in pairs(inlined) do
    local text = read(path)
    if name:find("js$") then text = text:gsub("</script", "<\\/script") end
    doc.meta[name] = pandoc.MetaInlines({pandoc.RawInline("html", text)})
  end
  doc.blocks = blocks
  return doc
end
