// An ERC-20 is deployed, moved, and asked through every function of the runtime API.

import assert from 'node:assert/strict';
import { hexToBigInt, hexToU8a, u8aToHex, u8aToString } from '@polkadot/util';
import { keccakAsHex } from '@polkadot/util-crypto';
import { MUCH, PLENTY } from '../chain.mjs';
import { check } from '../checks.mjs';
import { NOBODY, TOKEN } from '../contracts.mjs';
import { callData, createAddress, mappingSlot, topicOf, word } from '../ethereum.mjs';

/** What the token's constructor gives its sender. */
const SUPPLY = 1_000_000n;
const AMOUNT = 2_500n;

// Where Token.sol's variables are.
const SUPPLY_SLOT = u8aToHex(word(0n));
const BALANCES = 2n;

/** Moves tokens to an address. */
export const transfer = (to, amount) => callData('transfer(address,uint256)', to, amount);

async function deploy(chain) {
  const { alice, ask } = chain;
  const code = u8aToHex(TOKEN);
  const sender = await chain.addressOf(alice);
  const dry = await ask.instantiate(alice.address, 0, null, null, { Upload: code }, '0x', null);
  const expected = createAddress(sender, await chain.nonceOf(sender));
  assert.equal(chain.ok(dry.result).addr.toHex(), expected, 'the dry run names the address');

  const before = await chain.money(alice);
  const call = chain.contracts.instantiateWithCode(0, dry.weightRequired, MUCH, code, '0x', null);
  const outcome = await chain.succeed(alice, call);
  const { deployer, contract } = outcome.one('contracts', 'Instantiated');
  assert.equal(deployer.toHex(), sender);
  assert.equal(contract.toHex(), expected, 'the address of CREATE');

  const paid = before.free - (await chain.money(alice)).free;
  assert.equal(paid, outcome.fee + dry.storageDeposit.asCharge.toBigInt(), 'the fee and the deposit of the dry run');
  return expected;
}

async function move(chain, token) {
  const { alice, bob } = chain;
  const [from, to] = [await chain.addressOf(alice), await chain.addressOf(bob)];
  const data = transfer(to, AMOUNT);
  const dry = await chain.ask.call(alice.address, token, 0, null, null, data);
  const outcome = await chain.succeed(alice, chain.call(token, data));
  const log = outcome.one('contracts', 'ContractEmitted');
  assert.equal(log.contract.toHex(), token);
  assert.deepEqual(
    log.topics.map((topic) => topic.toHex()),
    [topicOf('Transfer(address,address,uint256)'), u8aToHex(word(from)), u8aToHex(word(to))],
  );
  assert.equal(log.data.toHex(), u8aToHex(word(AMOUNT)));
  const called = outcome.one('contracts', 'Called');
  assert.equal(called.caller.toHex(), from);
  assert.equal(called.contract.toHex(), token);
  assert.equal(called.gasUsed.toBigInt(), dry.gasConsumed.toBigInt(), 'the gas of the dry run');
  assert.ok(called.gasUsed.toBigInt() > 20_000n, 'a new slot alone is as much');
}

async function traced(chain, token, to) {
  const { alice, ask } = chain;
  const [result, calls] = await ask.trace(alice.address, token, 0, transfer(to, 1n));
  assert.equal(hexToBigInt(chain.ok(result.result).data.toHex()), 1n, 'transfer returns true');
  const names = calls.map(({ name }) => name.toString());
  for (const name of ['getCaller', 'storageLoad', 'storageStore', 'log']) {
    assert.ok(names.includes(name), `${name} is among ${names}`);
  }
  assert.equal(names.at(-1), 'finish', 'the last call ends the frame');
  assert.ok(calls.at(-1).result.isNone, 'and returns nothing');
  let left = calls[0].gasBefore.toBigInt();
  for (const { depth, gasBefore, gasAfter } of calls) {
    assert.ok(gasBefore.toBigInt() >= gasAfter.toBigInt(), 'a call does not make gas');
    if (depth.isZero()) {
      assert.ok(gasBefore.toBigInt() <= left, 'nor does what is between calls');
      left = gasAfter.toBigInt();
    }
  }
}

/** Deploys the token; its address. */
export async function token(chain) {
  const { alice, bob, ask } = chain;
  const [from, to] = [await chain.addressOf(alice), await chain.addressOf(bob)];
  const address = await check('the token is deployed at the address of CREATE, for what the dry run says', () =>
    deploy(chain));
  const balanceOf = async (owner) => hexToBigInt(await chain.view(address, callData('balanceOf(address)', owner)));
  const stored = async (key) => (await ask.getStorage(address, key)).asOk;

  await check('a transfer emits Transfer and uses the gas of its dry run', () => move(chain, address));
  await check('GristmillApi_call: balanceOf has the new balances', async () => {
    assert.equal(await balanceOf(from), SUPPLY - AMOUNT);
    assert.equal(await balanceOf(to), AMOUNT);
    assert.equal(await balanceOf(NOBODY), 0n);
  });
  await check('GristmillApi_get_storage: the supply, a balance, an empty slot, no contract', async () => {
    assert.equal((await stored(SUPPLY_SLOT)).unwrap().toHex(), u8aToHex(word(SUPPLY)));
    assert.equal((await stored(mappingSlot(to, BALANCES))).unwrap().toHex(), u8aToHex(word(AMOUNT)));
    assert.ok((await stored(mappingSlot(NOBODY, BALANCES))).isNone);
    assert.ok((await ask.getStorage(NOBODY, SUPPLY_SLOT)).asErr.isDoesntExist);
  });
  await check('GristmillApi_get_code: the code with the hash that the account has', async () => {
    const code = await chain.codeOf(address);
    const account = (await chain.api.query.contracts.accounts(address)).unwrap();
    assert.equal(keccakAsHex(code), account.contract.unwrap().codeHash.toHex());
    assert.equal(await chain.codeOf(NOBODY), '0x');
  });
  await check('GristmillApi_nonce: one more for each transaction, 1 for a new contract', async () => {
    const before = await chain.nonceOf(from);
    await chain.succeed(alice, chain.call(address, transfer(to, 0n)));
    assert.equal(await chain.nonceOf(from), before + 1n);
    assert.equal(await chain.nonceOf(address), 1n);
    assert.equal(await chain.nonceOf(NOBODY), 0n);
  });
  await check('GristmillApi_address and account_id: there and back; a contract has an account of its own', async () => {
    assert.equal(from, `0x${keccakAsHex(alice.publicKey).slice(-40)}`);
    assert.equal((await ask.accountId(from)).toString(), alice.address);
    assert.equal((await ask.accountId(address)).toHex(), `${address}${'ee'.repeat(12)}`);
  });
  await check('GristmillApi_trace: the host calls of a transfer, in order', () => traced(chain, address, to));
  await check('GristmillApi_call: a revert has its reason, and too little weight its error', async () => {
    const reverted = await ask.call(bob.address, address, 0, null, null, transfer(from, SUPPLY));
    const { flags, data: reason } = chain.ok(reverted.result);
    assert.equal(flags.toString(), '1');
    assert.ok(u8aToString(hexToU8a(reason.toHex())).includes('balance too low'));
    const poor = await ask.call(bob.address, address, 0, { ...PLENTY, refTime: 0n }, null, transfer(from, 0n));
    assert.equal(chain.nameOf(poor.result.asErr), 'OutOfGas');
  });
  return address;
}
