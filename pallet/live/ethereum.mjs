// Ethereum's encodings, as far as contracts and their addresses need them.

import { hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { keccakAsHex, keccakAsU8a } from '@polkadot/util-crypto';

const ADDRESS_BYTES = 20;
const WORD_BYTES = 32;

/** A whole number in big-endian bytes, without zeros in front. */
function bigEndian(number) {
  const digits = number === 0n ? '' : number.toString(16);
  return hexToU8a(`0x${digits.length % 2 ? '0' : ''}${digits}`);
}

/** A word of the ABI: a whole number, an address, 32 bytes. */
export function word(value) {
  const bytes = typeof value === 'string' ? hexToU8a(value) : bigEndian(BigInt(value));
  const word = new Uint8Array(WORD_BYTES);
  word.set(bytes, WORD_BYTES - bytes.length);
  return word;
}

/** Call data: the selector of a signature, and words. */
export function callData(signature, ...values) {
  const selector = keccakAsU8a(signature).subarray(0, 4);
  return u8aToHex(u8aConcat(selector, ...values.map(word)));
}

/** The first topic of an event. */
export const topicOf = (signature) => keccakAsHex(signature);

/** Where Solidity has the value of `key` in the mapping at `slot`. */
export const mappingSlot = (key, slot) => keccakAsHex(u8aConcat(word(key), word(slot)));

/** RLP of bytes, which are shorter than 56. */
function rlpBytes(bytes) {
  const itself = bytes.length === 1 && bytes[0] < 0x80;
  return itself ? bytes : u8aConcat([0x80 + bytes.length], bytes);
}

const addressOf = (bytes) => u8aToHex(keccakAsU8a(bytes).subarray(WORD_BYTES - ADDRESS_BYTES));

/** The address of CREATE. */
export function createAddress(sender, nonce) {
  const items = u8aConcat(rlpBytes(hexToU8a(sender)), rlpBytes(bigEndian(BigInt(nonce))));
  return addressOf(u8aConcat([0xc0 + items.length], items));
}

/** The address of CREATE2. */
export const create2Address = (sender, salt, code) =>
  addressOf(u8aConcat([0xff], hexToU8a(sender), salt, keccakAsU8a(code)));
