-- Starts `conforme lsp` for the files of a project. Put it in `~/.config/nvim/plugin/conforme.lua`.

-- The recording that `conforme mutate` measures, for actions that add the checks it advises; or nil.
local recording = nil

-- The folder of the project: the nearest with a `conforme.toml`, or else the one that contains `cases`.
local function project(file)
  local folder = vim.fn.fnamemodify(file, ':p:h')
  local config = vim.fn.findfile('conforme.toml', vim.fn.escape(folder, ' ,;') .. ';')
  if config ~= '' then
    return vim.fn.fnamemodify(config, ':p:h')
  end
  return folder:match('^(.*)/cases/') or folder:match('^(.*)/cases$')
end

local clients = {}

vim.api.nvim_create_autocmd('FileType', {
  pattern = { 'yaml', 'toml', 'json' },
  callback = function(event)
    local buffer = event.buf or vim.api.nvim_get_current_buf()
    local root = project(vim.api.nvim_buf_get_name(buffer))
    if not root then
      return
    end
    local config = {
      name = 'conforme',
      cmd = { 'conforme', 'lsp' },
      root_dir = root,
      init_options = { recording = recording },
    }
    if vim.lsp.start then
      vim.lsp.start(config, { bufnr = buffer })
      return
    end
    -- Neovim 0.7
    clients[root] = clients[root] or vim.lsp.start_client(config)
    vim.lsp.buf_attach_client(buffer, clients[root])
  end,
})
