// A chain that runs: signed transactions and what became of them.

import assert from 'node:assert/strict';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { compactStripLength, u8aToHex, u8aToU8a } from '@polkadot/util';
import { randomAsU8a, xxhashAsU8a } from '@polkadot/util-crypto';

/** A unit of the chain's currency. */
export const UNIT = 1_000_000_000_000n;
/** Wei in the smallest part of it. */
export const RATIO = 1_000_000n;
/** A limit of weight that every contract here stays below, unless it is meant not to. */
export const PLENTY = { refTime: 1_000_000_000_000n, proofSize: 10_000_000n };
/** A limit of deposit, likewise. */
export const MUCH = 100n * UNIT;

/** Where the runtime has a storage parameter. */
export const parameter = (name) => u8aToHex(xxhashAsU8a(`:${name}:`, 128));

const TIMEOUT_SECONDS = 120;

/** What a block did with a transaction. */
class Outcome {
  /** @param error what went wrong, or `null` */
  constructor(events, error) {
    this.events = events;
    this.error = error;
  }

  /** The data of all events of that name. */
  all(pallet, name) {
    return this.events.filter(({ section, method }) => section === pallet && method === name).map(({ data }) => data);
  }

  /** The data of the only event of that name. */
  one(pallet, name) {
    const found = this.all(pallet, name);
    assert.equal(found.length, 1, `${pallet}.${name} among ${this.events.map(({ method }) => method)}`);
    return found[0];
  }

  /** What the transaction cost, after what was not used came back. */
  get fee() {
    return this.one('transactionPayment', 'TransactionFeePaid').actualFee.toBigInt();
  }
}

export class Chain {
  /** Numbers of transactions: a node that counts those in its pool and one that does not come to the same. */
  #nonces = new Map();
  /** Errors of pallets that were seen where they were expected, as `pallet.Name`. */
  provoked = new Set();

  constructor(api, provider) {
    this.api = api;
    /** For requests that the library does not know. */
    this.provider = provider;
    /** The runtime API of contracts. */
    this.ask = api.call.gristmillApi;
    /** Calls of the pallet. */
    this.contracts = api.tx.contracts;
    /** Calls of the pallet of jobs. */
    this.jobs = api.tx.jobs;
    this.keyring = new Keyring({ type: 'sr25519', ss58Format: api.registry.chainSS58 });
    this.alice = this.keyring.addFromUri('//Alice');
    this.bob = this.keyring.addFromUri('//Bob');
    this.charlie = this.keyring.addFromUri('//Charlie');
  }

  static async connect(url) {
    const provider = new WsProvider(url, 1_000, {}, TIMEOUT_SECONDS * 1_000);
    const api = await ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true }).catch((error) => {
      throw new Error(`${url}: ${error.message}`);
    });
    assert.ok(api.call.gristmillApi, `${url} has a runtime without contracts`);
    return new Chain(api, provider);
  }

  disconnect() {
    return this.api.disconnect();
  }

  /** Sends a transaction and waits for its block. */
  async submit(signer, call) {
    const { address } = signer;
    const nonce = this.#nonces.get(address) ?? (await this.api.rpc.system.accountNextIndex(address)).toNumber();
    const outcome = await this.#watch(signer, call, nonce);
    this.#nonces.set(address, nonce + 1);
    return outcome;
  }

  #watch(signer, call, nonce) {
    return new Promise((resolve, reject) => {
      let stop = () => {};
      const settle = (finish, value) => {
        clearTimeout(timer);
        stop();
        finish(value);
      };
      const late = () => settle(reject, new Error(`${call.method.section}.${call.method.method}: no block has it`));
      const timer = setTimeout(late, TIMEOUT_SECONDS * 1_000);
      const seen = ({ status, events, dispatchError, isError }) => {
        if (isError) {
          settle(reject, new Error(`the transaction is ${status.type}`));
        } else if (status.isInBlock || status.isFinalized) {
          // A node that finalises what it seals sends the second without the first.
          const error = dispatchError ?? null;
          settle(resolve, new Outcome(events.map(({ event }) => event), error));
        }
      };
      call.signAndSend(signer, { nonce, era: 0 }, seen).then(
        (unsubscribe) => (stop = unsubscribe),
        (error) => settle(reject, error),
      );
    });
  }

  /** The name of an error: its pallet's out of the metadata, or the runtime's own. */
  nameOf(error) {
    if (!error) return null;
    return error.isModule ? this.api.registry.findMetaError(error.asModule).name : error.type;
  }

  /** What a question was answered, which must not be an error. */
  ok(result) {
    if (result.isErr) assert.fail(`a dry run ends in ${this.nameOf(result.asErr)}`);
    return result.asOk;
  }

  /** Sends a transaction that must succeed. */
  async succeed(signer, call) {
    const outcome = await this.submit(signer, call);
    this.expect(outcome.error, null, call);
    return outcome;
  }

  /** Sends a transaction that must fail so. */
  async fail(signer, call, error) {
    const outcome = await this.submit(signer, call);
    this.expect(outcome.error, error, call);
    return outcome;
  }

  /** Has sudo make a call that must succeed, or fail so. */
  async asRoot(call, error = null) {
    const outcome = await this.succeed(this.alice, this.api.tx.sudo.sudo(call));
    const { sudoResult } = outcome.one('sudo', 'Sudid');
    this.expect(sudoResult.isErr ? sudoResult.asErr : null, error, call);
    return outcome;
  }

  expect(error, expected, call) {
    assert.equal(this.nameOf(error), expected, `${call.method.section}.${call.method.method}`);
    if (error?.isModule) {
      const { section, name } = this.api.registry.findMetaError(error.asModule);
      this.provoked.add(`${section}.${name}`);
    }
  }

  /** Names of a pallet's errors that were seen. */
  provokedOf(pallet) {
    const names = [...this.provoked].filter((name) => name.startsWith(`${pallet}.`));
    return names.map((name) => name.slice(pallet.length + 1));
  }

  /** An account that nobody has used, with so much. */
  async fresh(amount) {
    const account = this.keyring.addFromSeed(randomAsU8a(32));
    await this.succeed(this.alice, this.api.tx.balances.transferKeepAlive(account.address, amount));
    return account;
  }

  /** What an account has of the currency: free, and held. */
  async money(account) {
    const { data } = await this.api.query.system.account(account.address);
    return { free: data.free.toBigInt(), reserved: data.reserved.toBigInt() };
  }

  /** The address of an account. */
  async addressOf(account) {
    return (await this.ask.address(account.address)).toHex();
  }

  /** Transactions of contracts that an address has sent. */
  async nonceOf(address) {
    return (await this.ask.nonce(address)).toBigInt();
  }

  /** The code of an address. */
  async codeOf(address) {
    // polkadot.js leaves the length in front of bytes that are all that a runtime API returns.
    const [, code] = compactStripLength(u8aToU8a((await this.ask.getCode(address)).toHex()));
    return u8aToHex(code);
  }

  /** The balance of an address, in wei. */
  async wei(address) {
    return (await this.ask.balance(address)).toBigInt();
  }

  /** What a call would return, as a dry run for Alice. */
  async view(dest, data) {
    const { result } = await this.ask.call(this.alice.address, dest, 0, null, null, data);
    const { flags, data: output } = this.ok(result);
    assert.ok(flags.isZero(), 'it does not revert');
    return output.toHex();
  }

  /** Makes a contract of creation code for Alice; its address. */
  async deploy(code) {
    const call = this.contracts.instantiateWithCode(0, PLENTY, MUCH, u8aToHex(code), '0x', null);
    return (await this.succeed(this.alice, call)).one('contracts', 'Instantiated').contract.toHex();
  }

  /** The pallet's call `call` without value. */
  call(dest, data, weight = PLENTY, deposit = MUCH) {
    return this.contracts.call(dest, 0, weight, deposit, data);
  }
}
