// Jobs: WebAssembly that off-chain workers run, submitted by users and by contracts, answered, tried again, given up.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { u8aConcat, u8aToHex } from '@polkadot/util';
import { keccakAsHex, keccakAsU8a } from '@polkadot/util-crypto';
import { MUCH, PLENTY, parameter, RATIO, UNIT } from '../chain.mjs';
import { check } from '../checks.mjs';
import { job } from '../contracts.mjs';
import { word } from '../ethereum.mjs';
import { run } from '../worker.mjs';

/** Errors that no part provokes, and why no transaction ends in them. */
export const JOBS_OUT_OF_REACH = {};

/** The precompile of jobs. */
export const JOBS = `0x${'00'.repeat(16)}6a6f6273`;
const PURE = u8aToHex(new TextEncoder().encode('pure'));
const BUDGET = { gas: 10_000_000, milliseconds: 20_000, pages: 16, output: 256 };

/** Takes the square roots of its input's 64-bit floats, which no contract can. */
const ROOTS = job(`(local $at i32)
  (call $data (i32.const 0) (i32.const 0) (call $size))
  (loop $next
    (f64.store (local.get $at) (f64.sqrt (f64.load (local.get $at))))
    (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (call $size))))
  (call $finish (i32.const 0) (call $size))`);
/** Selects a function of the precompile. */
export const selector = (signature) => keccakAsU8a(signature).subarray(0, 4);

/** Bytes with zeros behind, to whole words. */
export function padded32(bytes) {
  const padded = new Uint8Array(Math.ceil(bytes.length / 32) * 32);
  padded.set(bytes);
  return padded;
}

/** Takes all the time that there is. */
const ENDLESS = job('(loop $again (br $again))');
const FOREVER = { ...BUDGET, gas: 1_000_000_000_000, milliseconds: 200 };

const floats = (...values) => u8aToHex(new Uint8Array(new Float64Array(values).buffer));
const inline = (code) => ({ Inline: u8aToHex(code) });

/** Submits a job of Bob's that must be taken; its number. */
async function submit(chain, code, input, budget = BUDGET, reward = UNIT) {
  const call = chain.jobs.submitJob(code, input, PURE, budget, reward);
  return (await chain.succeed(chain.bob, call)).one('jobs', 'JobSubmitted').job.toNumber();
}

/** What came of a job, once it is closed. Blocks are made meanwhile: the chain makes one for each transaction. */
async function end(chain, id) {
  for (let blocks = 0; blocks < 100; blocks += 1) {
    const end = await chain.api.query.jobs.ends(id);
    if (end.isSome) return end.unwrap();
    await chain.succeed(chain.charlie, chain.api.tx.system.remark('0x'));
    await sleep(100);
  }
  throw new Error(`job ${id} is still open`);
}

const completed = (end) => end.asAgreed.asCompleted.toHex();

/** Does `body` under other rules of jobs. */
async function under(chain, change, body) {
  const { rules } = chain.api.consts.jobs;
  const changed = new rules.constructor(chain.api.registry, { ...rules.toJSON(), ...change });
  const key = parameter('JobRules');
  await chain.asRoot(chain.api.tx.system.setStorage([[key, changed.toHex()]]));
  try {
    await body();
  } finally {
    await chain.asRoot(chain.api.tx.system.killStorage([key]));
  }
}

/** What it takes until a result counts, answer by answer. */
async function answers(chain, program) {
  const { alice, bob, charlie, jobs } = chain;
  const id = await submit(chain, inline(ROOTS), floats(16));
  const outcome = await run(program, chain, id);
  const answer = (outcome, round = 0, job = id) => jobs.submitResult(job, round, outcome);
  await check('the program finds what the job is about', () => assert.deepEqual(outcome, { Completed: floats(4) }));
  await check('JobOpen, WrongRound, OutputTooLong, NotAWorker', async () => {
    await chain.fail(bob, jobs.removeJob(id), 'JobOpen');
    await chain.fail(bob, answer(outcome, 1), 'WrongRound');
    await chain.fail(bob, answer({ Completed: `0x${'00'.repeat(257)}` }), 'OutputTooLong');
    await chain.fail(await chain.fresh(UNIT), answer(outcome), 'NotAWorker');
  });
  await check('a worker that lies has one voice: AlreadyAnswered, JobStarted', async () => {
    await chain.succeed(charlie, answer({ Completed: floats(5) }));
    await chain.fail(charlie, answer({ Completed: floats(5) }), 'AlreadyAnswered');
    await chain.fail(bob, jobs.cancelJob(id), 'JobStarted');
  });
  await check('enough equal answers are the result, whose finders share the reward', async () => {
    const deposit = (await chain.api.query.jobs.codeInfoOf(keccakAsHex(ROOTS))).unwrap().deposit.toBigInt();
    const before = [await chain.money(alice), await chain.money(bob), await chain.money(charlie)];
    const first = await chain.succeed(alice, answer(outcome));
    const last = await chain.succeed(bob, answer(outcome));
    assert.equal(last.one('jobs', 'Disagreed').worker.toString(), charlie.address);
    assert.equal(completed(await end(chain, id)), floats(4));
    // Bob has submitted the job, too: its code is needed no more.
    const shares = [UNIT / 2n - first.fee, UNIT / 2n - last.fee + deposit, 0n];
    for (const [at, worker] of [alice, bob, charlie].entries()) {
      assert.equal((await chain.money(worker)).free, before[at].free + shares[at]);
    }
  });
  await check('JobClosed; what is closed is removed, and its deposit comes back', async () => {
    await chain.fail(charlie, answer(outcome), 'JobClosed');
    await chain.fail(bob, jobs.cancelJob(id), 'JobClosed');
    const before = await chain.money(bob);
    const { fee } = await chain.succeed(bob, jobs.removeJob(id));
    assert.ok((await chain.money(bob)).free > before.free - fee);
    await chain.fail(bob, jobs.removeJob(id), 'JobNotFound');
  });
}

async function refusals(chain) {
  const { api, bob, jobs } = chain;
  const rules = api.consts.jobs.rules.toJSON();
  const refused = (error, { code = inline(ROOTS), input = '0x', policy = PURE, budget = BUDGET, reward = UNIT }) =>
    chain.fail(bob, jobs.submitJob(code, input, policy, budget, reward), error);
  await check('jobs that the chain does not take', async () => {
    const before = await chain.money(bob);
    let fees = 0n;
    for (const [error, part] of Object.entries({
      CodeTooLong: { code: { Inline: `0x${'00'.repeat(rules.code + 1)}` } },
      CodeNotFound: { code: { Stored: `0x${'11'.repeat(32)}` } },
      InputTooLong: { input: `0x${'00'.repeat(rules.input + 1)}` },
      UnknownPolicy: { policy: '0x726f6f74' },
      BudgetTooLarge: { budget: { ...BUDGET, pages: rules.budget.pages + 1 } },
      RewardTooLow: { reward: 1n },
      BalanceLow: { reward: 10n ** 30n },
    })) {
      fees += (await refused(error, part)).fee;
    }
    assert.deepEqual(await chain.money(bob), { ...before, free: before.free - fees }, 'only fees are gone');
  });
  await check('QueueFull', () => under(chain, { open: 0 }, () => refused('QueueFull', {})));
  await check('only root says who works: AlreadyAWorker, TooManyWorkers, NotAWorker', async () => {
    const { addWorker, removeWorker } = jobs;
    const [dave, key] = [(await chain.fresh(UNIT)).address, `0x${'22'.repeat(32)}`];
    await chain.fail(bob, addWorker(dave, key), 'BadOrigin');
    await chain.asRoot(addWorker(chain.alice.address, key), 'AlreadyAWorker');
    await under(chain, { workers: 3 }, () => chain.asRoot(addWorker(dave, key), 'TooManyWorkers'));
    await chain.asRoot(addWorker(dave, key));
    await chain.asRoot(removeWorker(dave));
    await chain.asRoot(removeWorker(dave), 'NotAWorker');
  });
}

/** Jobs that a contract, or here a user in a contract's words, requests of the precompile. */
async function requests(chain, answered) {
  const { alice, bob, jobs } = chain;
  const { gas, milliseconds, pages, output } = BUDGET;
  const name = padded32(new TextEncoder().encode('pure'));
  const request = u8aToHex(
    u8aConcat(
      selector('request(bytes32,bytes32,uint64,uint32,uint32,uint32,bytes)'),
      keccakAsU8a(ROOTS),
      name,
      ...[gas, milliseconds, pages, output, 7 * 32, 8].map(word),
      floats(25),
      new Uint8Array(24),
    ),
  );
  const hash = keccakAsHex(ROOTS);
  const id = await check('a contract requests a job of code that is kept', async () => {
    await chain.succeed(bob, jobs.uploadCode(u8aToHex(ROOTS)));
    const call = chain.contracts.call(JOBS, 2n * UNIT, PLENTY, MUCH, request);
    const submitted = (await chain.succeed(alice, call)).one('jobs', 'JobSubmitted');
    assert.equal(submitted.owner.toString(), alice.address);
    assert.equal(await chain.wei(JOBS), 0n, 'what was paid went on');
    return submitted.job.toNumber();
  });
  await check('and reads its result', async () => {
    await answered(id);
    const data = u8aToHex(u8aConcat(selector('result(uint64)'), word(id)));
    const expected = u8aConcat(word(2), word(64), word(8), floats(5), new Uint8Array(24));
    assert.equal(await chain.view(JOBS, data), u8aToHex(expected));
  });
  await check('code that jobs need stays, and then goes', async () => {
    await chain.succeed(bob, jobs.removeCode(hash));
    assert.ok((await chain.api.query.jobs.codes(hash)).isNone);
    await chain.succeed(alice, jobs.removeJob(id));
    const endless = keccakAsHex(ENDLESS);
    await chain.succeed(bob, jobs.uploadCode(u8aToHex(ENDLESS)));
    const other = await submit(chain, { Stored: endless }, '0x', FOREVER);
    await chain.fail(bob, jobs.removeCode(endless), 'CodeInUse');
    await chain.succeed(bob, jobs.cancelJob(other));
    await chain.succeed(bob, jobs.removeCode(endless));
  });
}

/** A job that takes longer than its time has no outcome anywhere. */
async function giveUp(chain, program) {
  const { bob, jobs } = chain;
  const call = jobs.submitJob(inline(ENDLESS), '0x', PURE, FOREVER, UNIT);
  await check('a job without a result is tried again, given up, and paid back', () =>
    under(chain, { round: 2, rounds: 2 }, async () => {
      const before = await chain.money(bob);
      const outcome = await chain.succeed(bob, call);
      const id = outcome.one('jobs', 'JobSubmitted').job.toNumber();
      if (program) await assert.rejects(run(program, chain, id), { status: 3 });
      assert.ok((await end(chain, id)).isAbandoned);
      assert.equal((await chain.api.query.jobs.jobs(id)).unwrap().round.toNumber(), 1, 'the second round was the last');
      const { fee } = await chain.succeed(bob, jobs.removeJob(id));
      assert.equal((await chain.money(bob)).free, before.free - outcome.fee - fee);
    }),
  );
  await check('a job that nobody has answered is taken back', async () => {
    const before = await chain.money(bob);
    const outcome = await chain.succeed(bob, call);
    const { fee } = await chain.succeed(bob, jobs.cancelJob(outcome.one('jobs', 'JobSubmitted').job));
    assert.equal((await chain.money(bob)).free, before.free - outcome.fee - fee);
  });
}

/** Lets a job have its result. */
export async function answeredBy(chain, program, id) {
  if (program) {
    const outcome = await run(program, chain, id);
    for (const worker of [chain.alice, chain.bob]) await chain.succeed(worker, chain.jobs.submitResult(id, 0, outcome));
  }
  return completed(await end(chain, id));
}

/** @param program runs jobs for workers that this script is, or nothing: the chain's nodes are workers */
export async function jobs(chain, program) {
  const { bob } = chain;
  const answered = (id) => answeredBy(chain, program, id);
  await check('a job is submitted, and workers have its result', async () => {
    const id = await submit(chain, inline(ROOTS), floats(4, 2));
    assert.equal(await answered(id), floats(2, Math.SQRT2));
    await chain.succeed(bob, chain.jobs.removeJob(id));
  });
  if (program) {
    await answers(chain, program);
  } else {
    for (const name of ['JobOpen', 'WrongRound', 'OutputTooLong', 'AlreadyAnswered', 'JobStarted', 'JobClosed', 'JobNotFound']) {
      JOBS_OUT_OF_REACH[name] = 'workers answer before this script could';
    }
  }
  await refusals(chain);
  await requests(chain, answered);
  await giveUp(chain, program);
}
