// Each error of the pallet that a transaction can end in, by its name in the metadata.

import assert from 'node:assert/strict';
import { u8aToHex } from '@polkadot/util';
import { keccakAsHex } from '@polkadot/util-crypto';
import { MUCH, PLENTY, UNIT } from '../chain.mjs';
import { check } from '../checks.mjs';
import { contract, deployer, HOARDER, KEEPER, NOBODY, padded } from '../contracts.mjs';
import { set } from './accounts.mjs';

/** How contracts end that are deployed and called. Each stores a word before, of which nothing may stay. */
const ENDS = {
  ContractReverted: '(call $revert (i32.const 0) (i32.const 4))',
  ContractTrapped: '(unreachable)',
  OutOfGas: '(loop $l (br $l))',
  OutOfBounds: '(call $finish (i32.const -1) (i32.const 2))',
  ArgumentOutOfRange: '(drop (call $call (i64.const -1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))',
};
const STORE = '(i32.store8 (i32.const 63) (i32.const 1)) (call $store (i32.const 0) (i32.const 32))';

/** The addition of points of a curve. */
const ECADD = `0x${'00'.repeat(19)}06`;

/** Nothing of a call that fails stays; what it has weighed is paid. */
async function leavesNothing(chain, body, error) {
  const { alice, ask } = chain;
  const dest = await chain.deploy(deployer(contract(`${STORE} ${body}`)));
  const [nonce, before] = [await chain.nonceOf(await chain.addressOf(alice)), await chain.money(alice)];
  const outcome = await chain.fail(alice, chain.call(dest, '0x', { ...PLENTY, refTime: UNIT / 10n }), error);
  assert.equal(await chain.nonceOf(await chain.addressOf(alice)), nonce);
  assert.equal((await chain.money(alice)).free, before.free - outcome.fee, 'only the fee is gone');
  assert.ok((await ask.getStorage(dest, u8aToHex(new Uint8Array(32)))).asOk.isNone);
}

async function codes(chain) {
  const { alice, contracts } = chain;
  const evm = '0x6001600101';
  await check('CodeRejected: what is no WebAssembly, or against the rules of contracts', async () => {
    await chain.fail(alice, contracts.uploadCode(evm, MUCH), 'CodeRejected');
    await chain.fail(alice, contracts.instantiateWithCode(0, PLENTY, MUCH, evm, '0x', null), 'CodeRejected');
    // A header, and nothing that a contract exports.
    const empty = '0x0061736d01000000';
    await chain.fail(alice, contracts.uploadCode(empty, MUCH), 'CodeRejected');
    await chain.fail(alice, contracts.uploadCode(u8aToHex(contract('', 33)), MUCH), 'CodeRejected');
  });
  await check('BlobTooLarge: a byte beyond the limit', async () => {
    const limit = chain.api.consts.contracts.maxCodeLen.toNumber();
    const code = `0x${'00'.repeat(limit + 1)}`;
    await chain.fail(alice, contracts.uploadCode(code, MUCH), 'BlobTooLarge');
    await chain.fail(alice, contracts.instantiateWithCode(0, PLENTY, MUCH, code, '0x', null), 'BlobTooLarge');
  });
  await check('CodeNotFound: a hash of no code', () =>
    chain.fail(alice, contracts.instantiate(0, PLENTY, MUCH, keccakAsHex('nothing'), '0x', null), 'CodeNotFound'));
}

async function money(chain, keeper) {
  const { alice, contracts } = chain;
  await check('BalanceLow: a value that the sender has not', async () => {
    const { free } = await chain.money(alice);
    await chain.fail(alice, contracts.call(keeper, free, PLENTY, MUCH, set(1n, 1n)), 'BalanceLow');
    const unmapped = await chain.fresh(UNIT);
    await chain.fail(unmapped, contracts.callWithGas(keeper, set(1n, 1n), 1, 100_000, 0), 'BalanceLow');
  });
  await check('StorageDepositLimitExhausted: a slot, and a limit of less than its deposit', async () => {
    const data = set(3n, 1n);
    const dry = await chain.ask.call(alice.address, keeper, 0, null, null, data);
    const deposit = dry.storageDeposit.asCharge.toBigInt();
    await chain.fail(alice, chain.call(keeper, data, PLENTY, deposit - 1n), 'StorageDepositLimitExhausted');
    await chain.succeed(alice, chain.call(keeper, data, PLENTY, deposit));
  });
  await check('StorageDepositNotEnoughFunds: code whose deposit the sender cannot pay', async () => {
    const poor = await chain.fresh(UNIT / 2n);
    await chain.fail(poor, contracts.uploadCode(u8aToHex(padded(60_000)), MUCH), 'StorageDepositNotEnoughFunds');
  });
}

export async function errors(chain) {
  const { alice } = chain;
  for (const [error, body] of Object.entries(ENDS)) {
    await check(`${error}: nothing of the call stays`, () => leavesNothing(chain, body, error));
  }
  await check('OutOfGas: no weight at all', () =>
    chain.fail(alice, chain.call(NOBODY, '0x', { refTime: 0, proofSize: 0 }), 'OutOfGas'));
  await check('PrecompileFailed: no point of the curve', () =>
    chain.fail(alice, chain.call(ECADD, `0x${'01'.repeat(128)}`), 'PrecompileFailed'));
  await check('OutOfMemory: memories of nine frames, each the largest', async () => {
    const hoarder = await chain.deploy(deployer(HOARDER));
    await chain.fail(alice, chain.call(hoarder, '0x', { ...PLENTY, refTime: 3n * UNIT }), 'OutOfMemory');
  });
  await codes(chain);
  const keeper = await check('a contract that keeps values is deployed', () => chain.deploy(deployer(KEEPER)));
  await money(chain, keeper);
}
