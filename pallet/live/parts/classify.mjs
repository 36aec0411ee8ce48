// A model on a chain: a contract's request for a label of a text runs as a job of the policy `classify`, and the label arrives.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { u8aConcat, u8aToHex } from '@polkadot/util';
import { keccakAsU8a } from '@polkadot/util-crypto';
import { MUCH, PLENTY, UNIT } from '../chain.mjs';
import { check } from '../checks.mjs';
import { readingJobs } from '../contracts.mjs';
import { word } from '../ethereum.mjs';
import { JOBS, answeredBy, padded32, selector } from './jobs.mjs';

/** Tells by the model Magika what is in a text. A program of WASI: the label is what it prints. */
const PROGRAM = readFileSync(new URL('../../../soll-fixtures/guests/wasm/file-type.wasm', import.meta.url));
const BUDGET = { gas: 100_000_000_000, milliseconds: 30_000, pages: 4_096, output: 64 };

const TEXTS = {
  rust: 'use std::collections::BTreeMap;\n\nfn main() {\n    println!("{:?}", BTreeMap::<u8, u8>::new());\n}\n',
  html: '<!DOCTYPE html>\n<html><head><title>A mill</title></head><body><p>Grain in, flour out.</p></body></html>\n',
};

/** @param program runs jobs for workers that this script is, or nothing: the chain's nodes are workers */
export async function classify(chain, program) {
  const { alice, bob, jobs } = chain;
  const text = new TextEncoder();
  await chain.succeed(bob, jobs.uploadCode(u8aToHex(PROGRAM)));
  const address = await chain.deploy(readingJobs());
  for (const [label, source] of Object.entries(TEXTS)) {
    await check(`a job finds that a text is ${label}, and the label arrives in a contract`, async () => {
      const { gas, milliseconds, pages, output } = BUDGET;
      const input = padded32(text.encode(source));
      const request = u8aConcat(
        selector('request(bytes32,bytes32,uint64,uint32,uint32,uint32,bytes)'),
        keccakAsU8a(PROGRAM),
        padded32(text.encode('classify')),
        ...[gas, milliseconds, pages, output, 7 * 32, source.length].map(word),
        input,
      );
      const call = chain.contracts.call(JOBS, 2n * UNIT, PLENTY, MUCH, u8aToHex(request));
      const id = (await chain.succeed(alice, call)).one('jobs', 'JobSubmitted').job.toNumber();
      await answeredBy(chain, program, id);
      // The contract reads the result of the precompile, and keeps the label.
      const ask = u8aToHex(u8aConcat(selector('result(uint64)'), word(id)));
      await chain.succeed(alice, chain.call(address, ask));
      assert.equal(await chain.view(address, '0x'), u8aToHex(padded32(text.encode(`${label}\n`))));
    });
  }
}
