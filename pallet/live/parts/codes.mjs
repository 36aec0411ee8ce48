// Code that is uploaded, instantiated, given to another contract, and removed.

import assert from 'node:assert/strict';
import { u8aToHex } from '@polkadot/util';
import { keccakAsHex, randomAsU8a } from '@polkadot/util-crypto';
import { MUCH, PLENTY } from '../chain.mjs';
import { check } from '../checks.mjs';
import { answering, deployer, NOBODY } from '../contracts.mjs';
import { create2Address, word } from '../ethereum.mjs';

/** Uploads code for Alice; its hash. */
async function upload(chain, code) {
  const { alice, ask, contracts } = chain;
  const expected = chain.ok(await ask.uploadCode(alice.address, u8aToHex(code), null));
  const before = await chain.money(alice);
  const outcome = await chain.succeed(alice, contracts.uploadCode(u8aToHex(code), MUCH));
  const { codeHash, depositHeld, uploader } = outcome.one('contracts', 'CodeStored');
  assert.equal(codeHash.toHex(), keccakAsHex(code));
  assert.equal(codeHash.toHex(), expected.codeHash.toHex());
  assert.equal(depositHeld.toBigInt(), expected.deposit.toBigInt(), 'the deposit of the dry run');
  assert.equal(uploader.toString(), alice.address);
  assert.equal(before.free - (await chain.money(alice)).free, outcome.fee + depositHeld.toBigInt());
  return codeHash.toHex();
}

/** Removes code of Alice, which gives back what it cost and costs nothing. */
async function remove(chain, hash) {
  const { alice, contracts } = chain;
  const before = await chain.money(alice);
  const outcome = await chain.succeed(alice, contracts.removeCode(hash));
  const { codeHash, depositReleased, remover } = outcome.one('contracts', 'CodeRemoved');
  assert.equal(codeHash.toHex(), hash);
  assert.equal(remover.toString(), alice.address);
  assert.ok(depositReleased.toBigInt() > 0n);
  assert.equal(outcome.fee, 0n, 'removing is free');
  assert.equal((await chain.money(alice)).free, before.free + depositReleased.toBigInt());
  assert.ok((await chain.api.query.contracts.codes(hash)).isNone);
}

export async function codes(chain) {
  const { alice, bob, contracts } = chain;
  const sender = await chain.addressOf(alice);
  const [first, second] = [answering(1), answering(2)];
  const init = deployer(first);
  const answer = (byte) => u8aToHex(word(byte));

  const initHash = await check('uploaded code is held for what the dry run says', () => upload(chain, init));
  const contract = await check('the code of a hash is instantiated with a salt at the address of CREATE2', async () => {
    const salt = randomAsU8a(32);
    const call = contracts.instantiate(0, PLENTY, MUCH, initHash, '0x', u8aToHex(salt));
    const { contract } = (await chain.succeed(alice, call)).one('contracts', 'Instantiated');
    assert.equal(contract.toHex(), create2Address(sender, salt, init));
    assert.equal(await chain.view(contract, '0x'), answer(1n));
    const again = await chain.fail(alice, call, 'DuplicateContract');
    assert.equal(again.all('contracts', 'Instantiated').length, 0);
    return contract.toHex();
  });
  await check('only who uploaded code removes it', () => chain.fail(bob, contracts.removeCode(initHash), 'BadOrigin'));
  await check('init code that was uploaded has no users, and its removal gives the deposit back', () =>
    remove(chain, initHash));
  await check('code that is gone is not found', async () => {
    await chain.fail(alice, contracts.instantiate(0, PLENTY, MUCH, initHash, '0x', null), 'CodeNotFound');
    await chain.fail(alice, contracts.removeCode(initHash), 'CodeNotFound');
  });

  const hash = await check('code for another contract is uploaded', () => upload(chain, second));
  await check('sudo gives a contract that code; nobody else does', async () => {
    await chain.fail(alice, contracts.setCode(contract, hash), 'BadOrigin');
    const outcome = await chain.asRoot(contracts.setCode(contract, hash));
    const updated = outcome.one('contracts', 'ContractCodeUpdated');
    assert.equal(updated.contract.toHex(), contract);
    assert.equal(updated.newCodeHash.toHex(), hash);
    assert.equal(updated.oldCodeHash.toHex(), keccakAsHex(first));
    assert.equal(await chain.view(contract, '0x'), answer(2n));
  });
  await check('sudo gives no code to what is no contract, and no code that is not there', async () => {
    await chain.asRoot(contracts.setCode(NOBODY, hash), 'ContractNotFound');
    await chain.asRoot(contracts.setCode(contract, initHash), 'CodeNotFound');
  });
  await check('code that a contract has is not removed', () =>
    chain.fail(alice, contracts.removeCode(hash), 'CodeInUse'));
}
