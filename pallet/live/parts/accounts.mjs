// Accounts that are mapped, and accounts that are not: for those the pallet keeps currency.

import assert from 'node:assert/strict';
import { u8aConcat, u8aToHex } from '@polkadot/util';
import { MUCH, RATIO, UNIT } from '../chain.mjs';
import { check } from '../checks.mjs';
import { deployer, KEEPER } from '../contracts.mjs';
import { createAddress, word } from '../ethereum.mjs';

/** More than what any of the calls here uses. */
const GAS = 500_000n;
const PRICE = 10n;

/** Call data for the keeper: `value` under `key`. */
export const set = (key, value) => u8aToHex(u8aConcat(word(key), word(value)));

async function mapping(chain, keeper) {
  const { ask, contracts } = chain;
  const account = await chain.fresh(20n * UNIT);
  const address = await chain.addressOf(account);
  const own = `${address}${'ee'.repeat(12)}`;

  await check('an account that is not mapped calls nothing', async () => {
    await chain.fail(account, chain.call(keeper, set(1n, 1n)), 'AccountUnmapped');
    await chain.fail(account, contracts.instantiateWithCode(0, 0, 0, u8aToHex(KEEPER), '0x', null), 'AccountUnmapped');
    assert.equal((await ask.accountId(address)).toHex(), own);
  });
  await check('mapAccount takes a deposit, and then it calls', async () => {
    await chain.succeed(account, contracts.mapAccount());
    const { reserved } = await chain.money(account);
    const { depositPerItem, depositPerByte } = chain.api.consts.contracts;
    assert.equal(reserved, depositPerItem.toBigInt() + 52n * depositPerByte.toBigInt(), 'an address and an account');
    assert.equal((await ask.accountId(address)).toString(), account.address);
    await chain.succeed(account, chain.call(keeper, set(1n, 1n)));
    assert.equal(await chain.nonceOf(address), 1n);
  });
  await check('an account is mapped once', async () => {
    await chain.fail(account, contracts.mapAccount(), 'AccountAlreadyMapped');
    await chain.fail(chain.alice, contracts.mapAccount(), 'AccountAlreadyMapped');
  });
  await check('unmapAccount gives the deposit back, and then it calls no more', async () => {
    await chain.succeed(account, contracts.unmapAccount());
    assert.equal((await chain.money(account)).reserved, 0n);
    assert.equal((await ask.accountId(address)).toHex(), own);
    await chain.fail(account, chain.call(keeper, set(1n, 1n)), 'AccountUnmapped');
  });
}

async function keeping(chain, keeper) {
  const { contracts } = chain;
  const account = await chain.fresh(20n * UNIT);
  const address = await chain.addressOf(account);

  await check('depositBalance keeps currency for an address without a mapping', async () => {
    const before = await chain.money(account);
    const outcome = await chain.succeed(account, contracts.depositBalance(5n * UNIT));
    const { who, address: whose, amount } = outcome.one('contracts', 'Deposited');
    assert.deepEqual([who.toString(), whose.toHex(), amount.toBigInt()], [account.address, address, 5n * UNIT]);
    assert.equal((await chain.money(account)).free, before.free - outcome.fee - 5n * UNIT);
    assert.equal(await chain.wei(address), 5n * UNIT * RATIO);
  });
  await check('callWithGas pays value and gas out of that, to the wei', async () => {
    const value = 3n * RATIO / 2n;
    const [before, had] = [await chain.wei(address), await chain.wei(keeper)];
    const outcome = await chain.succeed(account, contracts.callWithGas(keeper, set(2n, 7n), value, GAS, PRICE));
    const { caller, gasUsed } = outcome.one('contracts', 'Called');
    assert.equal(caller.toHex(), address);
    assert.equal(await chain.wei(address), before - value - gasUsed.toBigInt() * PRICE);
    assert.equal(await chain.wei(keeper), had + value);
  });
  await check('create makes a contract at the address of CREATE', async () => {
    const expected = createAddress(address, await chain.nonceOf(address));
    const outcome = await chain.succeed(account, contracts.create(u8aToHex(deployer(KEEPER)), 0, GAS, PRICE));
    assert.equal(outcome.one('contracts', 'Instantiated').contract.toHex(), expected);
    assert.equal(await chain.codeOf(expected), u8aToHex(KEEPER));
  });
  await check('withdrawBalance gives back what is kept, and not more', async () => {
    const [before, kept] = [await chain.money(account), await chain.wei(address)];
    const outcome = await chain.succeed(account, contracts.withdrawBalance(UNIT));
    const { who, address: whose, amount } = outcome.one('contracts', 'Withdrawn');
    assert.deepEqual([who.toString(), whose.toHex(), amount.toBigInt()], [account.address, address, UNIT]);
    assert.equal((await chain.money(account)).free, before.free - outcome.fee + UNIT);
    assert.equal(await chain.wei(address), kept - UNIT * RATIO);
    await chain.fail(account, contracts.withdrawBalance(kept / RATIO), 'BalanceLow');
    await chain.fail(account, contracts.depositBalance(MUCH), 'BalanceLow');
  });
}

export async function accounts(chain) {
  const keeper = await check('a contract that keeps values is deployed', () => chain.deploy(deployer(KEEPER)));
  await mapping(chain, keeper);
  await keeping(chain, keeper);
}
