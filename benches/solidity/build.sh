#!/bin/sh
# Rebuilds the .hex files (creation code) with solc 0.8.37 from npm, so that the benches need neither npm nor a network:
# optimizer on, runs 200, evmVersion cancun. The token's source is the one that SOLL compiled: ../../soll-fixtures/token.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-fund --no-audit solc@0.8.37 >&2)
NODE_PATH="$work/node_modules" node -e '
const fs = require("fs"), solc = require("solc");
const sources = { Token: "../../soll-fixtures/token/Token.sol", Loops: "Loops.sol" };
for (const [name, file] of Object.entries(sources)) {
  const out = JSON.parse(solc.compile(JSON.stringify({
    language: "Solidity",
    sources: { [file]: { content: fs.readFileSync(file, "utf8") } },
    settings: {
      evmVersion: "cancun", optimizer: { enabled: true, runs: 200 }, metadata: { bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
    },
  })));
  for (const e of out.errors ?? []) console.error(e.formattedMessage);
  fs.writeFileSync(name + ".hex", out.contracts[file][name].evm.bytecode.object + "\n");
}
console.error(solc.version());
'
