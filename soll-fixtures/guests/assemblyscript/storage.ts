// gristmill's own storage functions, and a face of them for strings. engine/ext/storage/src/modern.rs says what each does.

// @ts-ignore: decorator
@external("gristmill_storage", "get")
declare function storage_get(space: u32, key: usize, keyLength: usize, value: usize, room: usize, written: usize): u32;
// @ts-ignore: decorator
@external("gristmill_storage", "set")
declare function storage_set(space: u32, key: usize, keyLength: usize, value: usize, valueLength: usize): u32;
// @ts-ignore: decorator
@external("gristmill_storage", "delete")
declare function storage_delete(space: u32, key: usize, keyLength: usize): u32;
// @ts-ignore: decorator
@external("gristmill_storage", "increment")
declare function storage_increment(space: u32, key: usize, keyLength: usize, delta: i64, sum: usize): u32;
// @ts-ignore: decorator
@external("gristmill_storage", "list")
declare function storage_list(
  space: u32, prefix: usize, prefixLength: usize, cursor: usize, cursorLength: usize, page: usize, room: usize, written: usize
): u32;

const NOT_FOUND: u32 = 1;
const TOO_SMALL: u32 = 2;
// The first namespace that is granted.
const SPACE: u32 = 0;
const PAGE: i32 = 4096;

// Where the functions write numbers.
const out = memory.data(8);

function check(status: u32): void {
  if (status != 0) throw new Error("storage answers " + status.toString());
}

function address(bytes: ArrayBuffer): usize {
  return changetype<usize>(bytes);
}

export function get(name: string): string {
  const key = String.UTF8.encode(name);
  let value = new ArrayBuffer(256);
  let status = storage_get(SPACE, address(key), key.byteLength, address(value), value.byteLength, out);
  if (status == TOO_SMALL) {
    value = new ArrayBuffer(load<i32>(out));
    status = storage_get(SPACE, address(key), key.byteLength, address(value), value.byteLength, out);
  }
  check(status);
  return String.UTF8.decodeUnsafe(address(value), load<usize>(out));
}

export function set(name: string, text: string): void {
  const key = String.UTF8.encode(name);
  const value = String.UTF8.encode(text);
  check(storage_set(SPACE, address(key), key.byteLength, address(value), value.byteLength));
}

// False if there was no such key.
export function remove(name: string): bool {
  const key = String.UTF8.encode(name);
  const status = storage_delete(SPACE, address(key), key.byteLength);
  if (status == NOT_FOUND) return false;
  check(status);
  return true;
}

export function increment(name: string, delta: i64): i64 {
  const key = String.UTF8.encode(name);
  check(storage_increment(SPACE, address(key), key.byteLength, delta, out));
  return load<i64>(out);
}

// All keys that begin with `prefix`, in their order.
export function keys(prefix: string): string[] {
  const start = String.UTF8.encode(prefix);
  const page = new ArrayBuffer(PAGE);
  const keys: string[] = [];
  let cursor = new ArrayBuffer(0);
  while (true) {
    check(storage_list(
      SPACE, address(start), start.byteLength, address(cursor), cursor.byteLength, address(page), PAGE, out
    ));
    const end = address(page) + load<usize>(out);
    if (end == address(page)) return keys;
    for (let at = address(page); at < end; ) {
      const length = load<u32>(at);
      keys.push(String.UTF8.decodeUnsafe(at + 4, length));
      at += 4 + length;
    }
    cursor = String.UTF8.encode(keys[keys.length - 1]);
  }
}
