// A worker that is no node: it runs jobs with the program `gristmill-job`, and sends what it found.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactToU8a, hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';

/** A transaction with extensions and without a signature: version 5, of the kind "general". */
const GENERAL = 0x45;
/** What the extensions have to say: their version; an immortal era, no nonce, no tip. */
const EXTENSIONS = [0, 0, 0, 0];

/** Runs a job of the chain with the program at `path`; what came of it, as a transaction has it. */
export async function run(path, chain, id) {
  const job = (await chain.api.query.jobs.jobs(id)).unwrap();
  const code = (await chain.api.query.jobs.codes(job.codeHash)).unwrap().toU8a(true);
  const input = (await chain.api.query.jobs.inputs(id)).toU8a(true);
  const folder = mkdtempSync(join(tmpdir(), 'gristmill-live-'));
  try {
    const [module, data] = [join(folder, 'job.wasm'), join(folder, 'input')];
    writeFileSync(module, code);
    writeFileSync(data, input);
    const { gas, milliseconds, pages, output } = job.budget;
    const budget = Object.entries({ gas, milliseconds, pages, output }).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const policy = ['--policy', job.policy.toUtf8()];
    const answer = JSON.parse(execFileSync(path, [module, '--input', `@${data}`, ...policy, ...budget], { encoding: 'utf8' }));
    return answer.outcome === 'Failed' ? { Failed: answer.failure } : { [answer.outcome]: answer.output };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Sends an answer without a fee. `key` signs it for the account of `worker`; the hash of the transaction. */
export function sendUnsigned(chain, { job, round, worker, outcome }, key) {
  const { registry, tx } = chain.api;
  const type = registry.createLookupType(tx.jobs.submitResultUnsigned.meta.fields[0].type);
  const answer = registry.createType(type, { job, round, worker: worker.address, outcome });
  const signature = key.sign(u8aConcat(stringToU8a('gristmill job'), chain.api.genesisHash, answer.toU8a()));
  const call = tx.jobs.submitResultUnsigned(answer, signature).method.toU8a();
  const body = u8aConcat([GENERAL], EXTENSIONS, call);
  return chain.provider.send('author_submitExtrinsic', [u8aToHex(u8aConcat(compactToU8a(body.length), body))]);
}
