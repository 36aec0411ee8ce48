// What a worker does that is no node: it runs jobs with the program `gristmill-job`.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
    const policies = process.env.GRISTMILL_POLICIES ? ['--policies', process.env.GRISTMILL_POLICIES] : [];
    const policy = ['--policy', job.policy.toUtf8(), ...policies];
    const answer = JSON.parse(execFileSync(path, [module, '--input', `@${data}`, ...policy, ...budget], { encoding: 'utf8' }));
    return answer.outcome === 'Failed' ? { Failed: answer.failure } : { [answer.outcome]: answer.output };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
