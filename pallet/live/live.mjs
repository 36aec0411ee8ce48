// Drives a chain of the demo runtime with signed transactions, and checks what comes of them:
// node live.mjs ws://HOST:PORT [PROGRAM]
//
// With the path of `gristmill-job` the script is a worker itself; without, the chain's own off-chain workers have to be. In
// GRISTMILL_POLICIES is the manifest of policies that workers have, `classify` among them; without, nothing is classified.
//
// The chain need not be new: every step counts from what there is when it begins.

import assert from 'node:assert/strict';
import { Chain } from './chain.mjs';
import { check, passed } from './checks.mjs';
import { accounts } from './parts/accounts.mjs';
import { classify } from './parts/classify.mjs';
import { codes } from './parts/codes.mjs';
import { errors } from './parts/errors.mjs';
import { gas } from './parts/gas.mjs';
import { jobs, JOBS_OUT_OF_REACH } from './parts/jobs.mjs';
import { token } from './parts/token.mjs';

/** Errors that none of the parts provokes, and why no transaction of a user ends in them. */
const OUT_OF_REACH = {
  TransferFailed: 'a balance is what can be spent: who has too little is refused BalanceLow before',
  MaxCallDepthReached: 'the message that is too deep fails, and its caller goes on with what that returned',
  StateChangeDenied: "a transaction's own message is never static",
  BalanceConversionFailed: 'amounts that the currency has no room for are above every balance',
  NonceExhausted: 'takes 2^64 - 1 transactions',
  OriginIsContract: 'the account of a contract has no key',
  Internal: 'a defect',
};

const [url, program] = process.argv.slice(2);
if (!url) {
  console.error('usage: node live.mjs ws://HOST:PORT [PROGRAM]');
  process.exit(2);
}

const chain = await Chain.connect(url);
try {
  const address = await token(chain);
  await codes(chain);
  await accounts(chain);
  await gas(chain, address);
  await errors(chain);
  await jobs(chain, program);
  if (process.env.GRISTMILL_POLICIES) await classify(chain, program);
  await check('every error of the metadata was provoked, or nobody can', () => {
    for (const [pallet, outOfReach] of [['contracts', OUT_OF_REACH], ['jobs', JOBS_OUT_OF_REACH]]) {
      const names = Object.keys(chain.api.errors[pallet]);
      assert.deepEqual(names.toSorted(), [...chain.provokedOf(pallet), ...Object.keys(outOfReach)].toSorted());
    }
  });
} finally {
  await chain.disconnect();
}
console.log(`live: ${passed()} checks passed`);
