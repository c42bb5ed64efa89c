-- Prints what Neovim receives from the server, as one line of JSON.
-- Arguments: the file to open, and the file to write.
local buffer = vim.api.nvim_get_current_buf()
local out = {}

local function ask(method, params)
  local responses = vim.lsp.buf_request_sync(buffer, method, params, 30000) or {}
  for _, response in pairs(responses) do
    return response.result or vim.NIL
  end
  return vim.NIL
end

local function at(line, character)
  return {
    textDocument = vim.lsp.util.make_text_document_params(buffer),
    position = { line = line, character = character },
  }
end

local function messages()
  return vim.tbl_map(function(one)
    return { one.lnum, one.col, one.message }
  end, vim.diagnostic.get(buffer))
end

vim.wait(30000, function()
  return #vim.diagnostic.get(buffer) > 0
end, 50)
out.wrong = messages()
out.action = ask('textDocument/codeAction', {
  textDocument = vim.lsp.util.make_text_document_params(buffer),
  range = { start = { line = 2, character = 0 }, ['end'] = { line = 2, character = 0 } },
  context = { diagnostics = {} },
})
vim.lsp.util.apply_workspace_edit(out.action[1].edit, 'utf-16')
out.corrected = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
vim.wait(30000, function()
  return #vim.diagnostic.get(buffer) == 0
end, 50)
out.right = #vim.diagnostic.get(buffer)
out.hover = ask('textDocument/hover', at(1, 2))
out.completion = ask('textDocument/completion', at(1, 24))
out.lenses = ask('textDocument/codeLens', { textDocument = vim.lsp.util.make_text_document_params(buffer) })

local file = io.open(vim.env.OUT, 'w')
file:write(vim.fn.json_encode(out))
file:close()
vim.cmd('qall!')
