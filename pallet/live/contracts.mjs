// Contracts to try the chain with, from text.

import { readFileSync } from 'node:fs';
import { randomAsU8a } from '@polkadot/util-crypto';
import wabt from 'wabt';

const { parseWat } = await wabt();

/** An ERC-20 that SOLL has compiled: creation code. */
export const TOKEN = readFileSync(new URL('../../soll-fixtures/token/soll-normal.wasm', import.meta.url));

/** An address that has nothing. */
export const NOBODY = `0x${'77'.repeat(20)}`;

/** A chain that has seen these contracts already would keep no new code: every run has codes of its own. */
const RUN = escaped(randomAsU8a(16));

const IMPORTS = `
  (import "ethereum" "finish" (func $finish (param i32 i32)))
  (import "ethereum" "revert" (func $revert (param i32 i32)))
  (import "ethereum" "storageStore" (func $store (param i32 i32)))
  (import "ethereum" "storageLoad" (func $load (param i32 i32)))
  (import "ethereum" "callDataCopy" (func $data (param i32 i32 i32)))
  (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "ethereum" "getGasLeft" (func $gas (result i64)))
  (import "ethereum" "getAddress" (func $address (param i32)))`;

function escaped(bytes) {
  return Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}

function assemble(text) {
  const module = parseWat('contract.wat', text);
  try {
    return module.toBinary({ write_debug_names: false }).buffer;
  } finally {
    module.destroy();
  }
}

/** A contract whose `main` is `body`. */
export const contract = (body, pages = 1) =>
  assemble(`(module ${IMPORTS}
    (memory (export "memory") ${pages})
    (data (i32.const 65520) "${RUN}")
    (func (export "main") ${body}))`);

/** A job whose `main` is `body`: what no contract may do is allowed here, and asking the chain is not. */
export const job = (body) =>
  assemble(`(module
    (import "ethereum" "getCallDataSize" (func $size (result i32)))
    (import "ethereum" "callDataCopy" (func $data (param i32 i32 i32)))
    (import "ethereum" "finish" (func $finish (param i32 i32)))
    (import "ethereum" "revert" (func $revert (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 65520) "${RUN}")
    (func (export "main") ${body}))`);

/** Creation code that leaves `code`. */
export const deployer = (code) =>
  assemble(`(module
    (import "ethereum" "finish" (func $finish (param i32 i32)))
    (memory (export "memory") ${Math.ceil(code.length / 65_536)})
    (data (i32.const 0) "${escaped(code)}")
    (func (export "main") (call $finish (i32.const 0) (i32.const ${code.length}))))`);

/** A valid module that is longer than `length` bytes. */
export const padded = (length) =>
  assemble(`(module
    (memory (export "memory") ${Math.ceil(length / 65_536)})
    (data (i32.const 0) "${RUN}${'\\01'.repeat(length)}")
    (func (export "main")))`);

/** Returns a word that ends with `byte`. */
export const answering = (byte) =>
  contract(`(i32.store8 (i32.const 31) (i32.const ${byte})) (call $finish (i32.const 0) (i32.const 32))`);

/** Stores the second word of its call data under the first; returns what was there. */
export const KEEPER = contract(`
  (call $data (i32.const 0) (i32.const 0) (i32.const 64))
  (call $load (i32.const 0) (i32.const 64))
  (call $store (i32.const 0) (i32.const 32))
  (call $finish (i32.const 64) (i32.const 32))`);

/**
 * Creation code of a contract that asks the precompile of jobs what it is called with, and keeps the first word of the result's
 * bytes; called with nothing, it returns that word.
 */
export const readingJobs = () =>
  deployer(
    assemble(`(module ${IMPORTS}
    (import "ethereum" "getCallDataSize" (func $size (result i32)))
    (import "ethereum" "returnDataCopy" (func $returned (param i32 i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 128) "\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00jobs")
    (data (i32.const 65520) "${RUN}")
    (func (export "main")
      (if (call $size)
        (then
          (call $data (i32.const 0) (i32.const 0) (call $size))
          (if (call $call (call $gas) (i32.const 128) (i32.const 192) (i32.const 0) (call $size))
            (then (call $revert (i32.const 0) (i32.const 0))))
          ;; Behind the state of the job, where its bytes begin, and how many there are.
          (call $returned (i32.const 64) (i32.const 96) (i32.const 32))
          (call $store (i32.const 160) (i32.const 64)))
        (else
          (call $load (i32.const 160) (i32.const 64))
          (call $finish (i32.const 64) (i32.const 32))))))`),
  );

/** Calls itself with all of its gas, and has as much memory as a contract may have. */
export const HOARDER = contract(
  `(call $address (i32.const 0))
  (drop (call $call (call $gas) (i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0)))`,
  32,
);
