-- Makes a chapter of a text: links between texts become links between chapters,
-- names of the core link to the reference, and marks for tools go. docs/book.mjs
-- runs it, with a table in the file BOOK that holds
--
--   path       the text, from the root
--   chapters   path of a text -> name of its chapter
--   sources    path of a source -> where it is shown; only in the site
--   names      name of the core -> its heading in the reference
--   whole      all chapters are in one file: headings are prefixed by chapter

local book = dofile(os.getenv("BOOK"))
local own = book.chapters[book.path]

-- a/b/../c.md is a/c.md
local function normal(target)
  local count
  repeat
    target, count = target:gsub("[^/]+/%.%./", "", 1)
  until count == 0
  return target
end

local function place(chapter, id)
  if book.whole then return "#" .. chapter .. (id and "--" .. id or "") end
  return chapter .. ".html" .. (id and "#" .. id or "")
end

-- Names link to the reference, but not inside of headings and other links.
local function unlinked(inlines)
  local list = pandoc.List()
  for _, inline in ipairs(inlines) do
    local is_link = inline.t == "Link" and inline.classes[1] == "name"
    list:extend(is_link and inline.content or {inline})
  end
  return list
end

function Header(header)
  if book.whole and header.identifier ~= "" then
    header.identifier = header.level == 1 and own or
      own .. "--" .. header.identifier
  end
  header.content = unlinked(header.content)
  return header
end

function Link(link)
  if link.target:find("^%a+:") then return nil end
  local target, id = link.target:match("^([^#]*)#?(.*)$")
  id = id ~= "" and id or nil
  target = target == "" and book.path or
    normal(book.path:gsub("[^/]*$", "") .. target)
  local chapter, source = book.chapters[target], book.sources[target]
  link.content = unlinked(link.content)
  if chapter then
    link.target = place(chapter, id)
  elseif source then
    link.target = source
  else
    return link.content
  end
  return link
end

function Code(code)
  local chapter = book.chapters[code.text]
  if chapter then return pandoc.Link(code, place(chapter)) end
  local source = book.sources[book.path:gsub("[^/]*$", "") .. code.text] or
    book.sources[code.text]
  if source then return pandoc.Link(code, source, "", {class = "name"}) end
  local name = code.text:match("^([%w_]+)%(?[^;]*$")
  local heading = book.names[name]
  if not heading then return nil end
  return pandoc.Link(code, place("reference", heading), "", {class = "name"})
end

function Image(image)
  image.src = normal(book.path:gsub("[^/]*$", "") .. image.src)
  if not book.whole then image.src = image.src:gsub(".*/", "") end
  return image
end

-- A wide table scrolls in its own box.
function Table(table)
  return pandoc.Div(table, {class = "table"})
end

function RawBlock(raw)
  if raw.text:find("^<!%-%-") then return {} end
end

-- The links at the end of a lesson lead back and on, as the site does itself.
local function without_ways(blocks)
  local last = blocks[#blocks]
  if last and last.t == "Para" and last.content[1].t == "Link" and
     pandoc.utils.stringify(last):find("Lesson %d+: ") then
    blocks:remove(#blocks)
  end
  return blocks
end

function Pandoc(doc)
  local blocks = pandoc.Div(without_ways(doc.blocks))
  return pandoc.Pandoc(pandoc.walk_block(blocks, {Link = Link, Code = Code,
    Image = Image, Header = Header, Table = Table, RawBlock = RawBlock}).content,
    doc.meta)
end

return {{Pandoc = Pandoc}}
