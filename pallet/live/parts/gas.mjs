// Gas and fees: estimates are exact, what is not used comes back, and the base fee is nobody's.

import assert from 'node:assert/strict';
import { bnToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { MUCH, PLENTY, parameter, RATIO } from '../chain.mjs';
import { check } from '../checks.mjs';
import { deployer, KEEPER } from '../contracts.mjs';
import { createAddress } from '../ethereum.mjs';
import { set } from './accounts.mjs';
import { transfer } from './token.mjs';

const GAS = 500_000n;
const BASE_FEE = 7n;
const PRICE = 10n;

async function unusedWeight(chain, token, data) {
  const { alice } = chain;
  const call = chain.call(token, data);
  const { partialFee } = await call.paymentInfo(alice.address);
  const { weightConsumed } = await chain.ask.call(alice.address, token, 0, PLENTY, MUCH, data);
  const before = await chain.money(alice);
  const { fee } = await chain.succeed(alice, call);
  // A picosecond is the smallest part of a unit: the fee is the weight, and something for the length.
  const unused = PLENTY.refTime - weightConsumed.refTime.toBigInt();
  assert.ok(unused > PLENTY.refTime * 3n / 4n, `${weightConsumed} is little of the limit`);
  const expected = partialFee.toBigInt() - unused;
  // The extensions of a transaction give back a little of their own.
  const near = fee <= expected && fee * 1_000n >= expected * 999n;
  assert.ok(near, `the fee is ${fee}; without what was not used it is ${expected}`);
  assert.equal((await chain.money(alice)).free, before.free - fee, 'and that is what is gone');
}

async function exactWeight(chain, token, data) {
  const { alice } = chain;
  const { weightRequired } = await chain.ask.call(alice.address, token, 0, null, null, data);
  const [refTime, proofSize] = [weightRequired.refTime.toBigInt(), weightRequired.proofSize.toBigInt()];
  await chain.fail(alice, chain.call(token, data, { refTime: refTime - 1n, proofSize }), 'OutOfGas');
  await chain.fail(alice, chain.call(token, data, { refTime, proofSize: proofSize - 1n }), 'OutOfGas');
  await chain.succeed(alice, chain.call(token, data, { refTime, proofSize }));
}

async function exactEstimate(chain, dest, data) {
  const { alice, contracts } = chain;
  const gas = chain.ok(await chain.ask.estimateGas(alice.address, dest, 0, data)).toBigInt();
  await chain.fail(alice, contracts.callWithGas(dest, data, 0, gas - 1n, 0), 'OutOfGas');
  const outcome = await chain.succeed(alice, contracts.callWithGas(dest, data, 0, gas, 0));
  const used = outcome.one('contracts', 'Called').gasUsed.toBigInt();
  assert.ok(used <= gas, `${used} gas of ${gas} are used`);
}

async function exactCreation(chain) {
  const { alice, contracts } = chain;
  const code = u8aToHex(deployer(KEEPER));
  const gas = chain.ok(await chain.ask.estimateGas(alice.address, null, 0, code)).toBigInt();
  const sender = await chain.addressOf(alice);
  const expected = createAddress(sender, await chain.nonceOf(sender));
  await chain.fail(alice, contracts.create(code, 0, gas - 1n, 0), 'OutOfGas');
  const outcome = await chain.succeed(alice, contracts.create(code, 0, gas, 0));
  assert.equal(outcome.one('contracts', 'Instantiated').contract.toHex(), expected);
}

async function baseFee(chain, token, data) {
  const { alice, bob, api, contracts } = chain;
  const keys = [parameter('BaseFee'), parameter('Author')];
  const values = [bnToU8a(BASE_FEE, { bitLength: 256 }), u8aConcat([1], bob.publicKey)].map((value) => u8aToHex(value));
  await chain.asRoot(api.tx.system.setStorage(keys.map((key, at) => [key, values[at]])));
  try {
    await check('a gas price below the base fee is refused', () =>
      chain.fail(alice, contracts.callWithGas(token, data, 0, GAS, BASE_FEE - 1n), 'GasPriceTooLow'));
    await check('the author gets what gas costs beyond the base fee, and nobody gets the rest', async () => {
      const [sender, author] = [await chain.addressOf(alice), await chain.addressOf(bob)];
      const read = () => Promise.all([chain.wei(sender), chain.wei(author), api.query.contracts.burnt()]);
      const [paidFrom, paidTo, burnt] = await read();
      const outcome = await chain.succeed(alice, contracts.callWithGas(token, data, 0, GAS, PRICE));
      const gas = outcome.one('contracts', 'Called').gasUsed.toBigInt();
      const [left, got, burntNow] = await read();
      assert.equal(left, paidFrom - outcome.fee * RATIO - gas * PRICE);
      assert.equal(got, paidTo + gas * (PRICE - BASE_FEE));
      assert.equal(burntNow.toBigInt(), burnt.toBigInt() + gas * BASE_FEE);
    });
  } finally {
    await chain.asRoot(api.tx.system.killStorage(keys));
  }
}

export async function gas(chain, token) {
  const data = transfer(await chain.addressOf(chain.bob), 1n);
  await check('weight that a call does not use is not paid', () => unusedWeight(chain, token, data));
  await check('GristmillApi_call: the weight that it says is enough, one less of time or proof is not', () =>
    exactWeight(chain, token, data));
  await check('GristmillApi_estimate_gas: a call succeeds with it, and not with one less', async () =>
    exactEstimate(chain, await chain.deploy(deployer(KEEPER)), set(1n, 1n)));
  await check('GristmillApi_estimate_gas: so does one whose host calls weigh more than their gas', () =>
    exactEstimate(chain, token, data));
  await check('GristmillApi_estimate_gas: so does a creation', () => exactCreation(chain));
  await baseFee(chain, token, data);
}
