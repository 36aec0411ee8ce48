// A chain of a raw specification in chopsticks, on a free port of this machine: node chopsticks.mjs SPECIFICATION
//
// It logs where it listens, and runs until it is killed.

import { Api, BuildBlockMode, isPrefixedChildKey, setupWithServer } from '@acala-network/chopsticks';

// What the chain has not written yet is looked up in what it began with. A specification has no child tries, and
// chopsticks answers with an error when it is asked for one: contracts could not read slots that are empty.
const { getStorage, getKeysPaged } = Api.prototype;
Api.prototype.getStorage = async function (key, hash) {
  return isPrefixedChildKey(key) ? null : getStorage.call(this, key, hash);
};
Api.prototype.getKeysPaged = async function (prefix, size, start, hash) {
  return isPrefixedChildKey(prefix) ? [] : getKeysPaged.call(this, prefix, size, start, hash);
};

const [specification] = process.argv.slice(2);
if (!specification) {
  console.error('usage: node chopsticks.mjs SPECIFICATION');
  process.exit(2);
}
await setupWithServer({
  // Any that is free.
  port: 0,
  host: '127.0.0.1',
  'chain-spec': specification,
  'build-block-mode': BuildBlockMode.Instant,
  'offchain-worker': true,
  'runtime-log-level': 3,
});
