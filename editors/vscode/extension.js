'use strict';

const { execFile } = require('child_process');
const path = require('path');
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

/** The id of this extension's schemas for the YAML extension. */
const SCHEME = 'conforme';

let client;
/** The folders with a `conforme.toml`. */
let projects = [];

function setting(name) {
  return vscode.workspace.getConfiguration('conforme').get(name) || undefined;
}

function program() {
  return setting('path') || 'conforme';
}

/** The project that a file is in: the nearest one. */
function projectOf(file) {
  const isIn = (folder) => !path.relative(folder, file).startsWith('..') && !path.isAbsolute(path.relative(folder, file));
  return projects.filter(isIn).sort((a, b) => b.length - a.length)[0];
}

/** Runs cases in a terminal; without arguments, those of the active file. */
function run(args) {
  let [id, root] = args || [];
  if (typeof id !== 'string') {
    const file = vscode.window.activeTextEditor && vscode.window.activeTextEditor.document.uri.fsPath;
    root = file && projectOf(file);
    if (!root) {
      return vscode.window.showInformationMessage('Open a case file of a project first.');
    }
    id = path.relative(root, file);
  }
  const target = setting('target') ? ['--target', setting('target')] : [];
  const process = new vscode.ProcessExecution(program(), ['run', ...target, '--', id], { cwd: root });
  const task = new vscode.Task({ type: 'conforme', id }, vscode.TaskScope.Workspace, id, 'conforme', process);
  return vscode.tasks.executeTask(task);
}

async function start() {
  const files = await vscode.workspace.findFiles('**/conforme.toml', '**/node_modules/**');
  projects = files.map((file) => path.dirname(file.fsPath));
  if (projects.length === 0) {
    return;
  }
  const documentSelector = projects.flatMap((folder) =>
    ['yaml', 'toml', 'json'].map((extension) => ({
      scheme: 'file',
      pattern: `${folder.replace(/\\/g, '/')}/**/*.${extension}`,
    })),
  );
  const server = { command: program(), args: ['lsp'] };
  client = new LanguageClient('conforme', 'conforme', server, {
    documentSelector,
    initializationOptions: { target: setting('target'), recording: setting('recording') },
    middleware: {
      executeCommand: (command, args, next) => (command === 'conforme.run' ? run(args) : next(command, args)),
    },
  });
  await client.start();
}

async function stop() {
  const running = client;
  client = undefined;
  if (running) {
    await running.stop();
  }
}

async function restart() {
  await stop();
  await start();
}

/** Gives the YAML extension the schemas of the installed program, for the files of projects. */
async function associate() {
  const yaml = vscode.extensions.getExtension('redhat.vscode-yaml');
  const api = yaml && (await yaml.activate());
  if (!api || !api.registerContributor) {
    return;
  }
  const kind = (resource) => {
    const file = vscode.Uri.parse(resource).fsPath;
    const root = projectOf(file);
    const isCase = root && path.relative(root, file).split(path.sep)[0] === 'cases' && file.endsWith('.yaml');
    return isCase && `${SCHEME}://schema/${path.basename(file) === 'suite.yaml' ? 'suite' : 'case'}`;
  };
  const content = (uri) =>
    new Promise((resolve, reject) => {
      const name = path.basename(vscode.Uri.parse(uri).path);
      execFile(program(), ['schema', name], (error, text) => (error ? reject(error) : resolve(text)));
    });
  api.registerContributor(SCHEME, (resource) => kind(resource) || undefined, content);
}

async function activate(context) {
  const watcher = vscode.workspace.createFileSystemWatcher('**/conforme.toml', false, true, false);
  context.subscriptions.push(
    watcher,
    watcher.onDidCreate(restart),
    watcher.onDidDelete(restart),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('conforme') && restart()),
  );
  await start();
  await associate();
}

module.exports = { activate, deactivate: stop };
