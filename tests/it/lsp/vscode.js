// Runs the extension for VS Code with stand-ins for the editor and its packages, and prints what it does.
'use strict';

const Module = require('module');
const path = require('path');

const out = {};
let contributor;

class LanguageClient {
  constructor(id, name, server, options) {
    out.server = server;
    out.patterns = options.documentSelector.map((one) => one.pattern);
    this.options = options;
    LanguageClient.last = this;
  }
  async start() {}
  async stop() {}
}

const settings = { path: '/opt/conforme', target: 'staging', recording: '' };
const disposable = { dispose() {} };
const on = () => disposable;
const vscode = {
  workspace: {
    getConfiguration: () => ({ get: (name) => settings[name] }),
    findFiles: async () => [{ fsPath: '/w/api/conforme.toml' }],
    createFileSystemWatcher: () => ({ onDidCreate: on, onDidDelete: on, dispose() {} }),
    onDidChangeConfiguration: on,
  },
  window: { showInformationMessage: async () => undefined },
  extensions: {
    getExtension: () => ({ activate: async () => ({ registerContributor: (_, schema) => (contributor = schema) }) }),
  },
  tasks: {
    executeTask: async (task) => {
      out.run = { process: task.execution.process, args: task.execution.args, cwd: task.execution.options.cwd };
    },
  },
  Uri: { parse: (uri) => ({ fsPath: new URL(uri).pathname, path: new URL(uri).pathname }) },
  TaskScope: { Workspace: 2 },
  ProcessExecution: class {
    constructor(process, args, options) {
      Object.assign(this, { process, args, options });
    }
  },
  Task: class {
    constructor(definition, scope, name, source, execution) {
      Object.assign(this, { definition, scope, name, source, execution });
    }
  },
};

const load = Module._load;
Module._load = (name, ...rest) => {
  const standIns = { vscode, 'vscode-languageclient/node': { LanguageClient } };
  return standIns[name] || load(name, ...rest);
};

async function main() {
  const extension = require(path.resolve(process.argv[2]));
  await extension.activate({ subscriptions: [] });
  await LanguageClient.last.options.middleware.executeCommand('conforme.run', ['s/c[a]', '/w/api'], () => {
    throw new Error('the server runs it');
  });
  const files = ['/w/api/cases/s/c.yaml', '/w/api/cases/s/suite.yaml', '/w/api/compose.yaml', '/w/other/cases/s/c.yaml'];
  out.schemas = files.map((file) => contributor(`file://${file}`) || null);
  await extension.deactivate();
  console.log(JSON.stringify(out));
}

main();
