//! Guests, in the text format.

/// A program that writes `text`.
pub fn says(text: &str) -> String {
    let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let length = text.len();
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00") (data (i32.const 16) "{escaped}")
  (func (export "_start")
    (i32.store (i32.const 4) (i32.const {length}))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#
    )
}

/// A program that writes what it reads, as bytes.
pub const ECHO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "Content-Type: application/octet-stream\n\n")
  (func $all (param i32 i32)
    (i32.store (i32.const 0) (local.get 0))
    (i32.store (i32.const 4) (local.get 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start")
    (call $all (i32.const 1024) (i32.const 40))
    (loop $more
      (i32.store (i32.const 0) (i32.const 2048))
      (i32.store (i32.const 4) (i32.const 4096))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (if (i32.load (i32.const 8)) (then
        (call $all (i32.const 2048) (i32.load (i32.const 8)))
        (br $more))))))"#;

/// A program that writes its environment, with NULs behind the variables.
pub const ENVIRONMENT: &str = r#"(module
  (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 8)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $get (i32.const 1024) (i32.const 65536)))
    (i32.store (i32.const 0) (i32.const 65536))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// A program that waits so many milliseconds, and writes `done`.
pub fn waits(milliseconds: u64) -> String {
    let nanoseconds = milliseconds * 1_000_000;
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "done") (data (i32.const 256) "\00\02\00\00\04\00\00\00")
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const {nanoseconds}))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
    (drop (call $write (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 264)))))"#
    )
}

/// A program that does this, and says nothing.
pub fn does(body: &str) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") {body}))"#
    )
}

/// A program that asks for ever how large its environment is.
pub const CALLS: &str = r#"(module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (loop (drop (call $sizes (i32.const 0) (i32.const 4))) (br 0))))"#;

/// A program that writes how often its memory and global were used, which are never used twice: `1`. It leaves traces everywhere.
pub const COUNTS: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 4)
  (global $n (mut i32) (i32.const 0))
  (table 2 funcref) (elem declare func $f) (func $f)
  (func (export "_start") (local $i i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store (i32.const 1000) (i32.add (i32.load (i32.const 1000)) (global.get $n)))
    (i32.store (i32.const 1000) (i32.add (i32.load (i32.const 1000)) (i32.mul (i32.const 2) (i32.sub (memory.size) (i32.const 1)))))
    (if (i32.eqz (ref.is_null (table.get (i32.const 1)))) (then unreachable))
    (table.set (i32.const 1) (ref.func $f))
    (drop (memory.grow (i32.const 1)))
    (if (i32.load8_u (i32.const 70000)) (then unreachable))
    (memory.fill (i32.const 65536) (i32.const 255) (i32.const 65536))
    (i32.store8 (i32.const 16) (i32.add (i32.const 48) (i32.load (i32.const 1000))))
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// Functions in the convention of wasmedge-bindgen: `echo` gives its first input back as bytes, `text` as text, `both` twice,
/// `none` nothing, `number` its length, `fail` an error; `state` counts calls; the others lie, loop or trap.
pub const FUNCTIONS: &str = r#"(module
  (memory (export "memory") 2 32)
  (global $top (mut i32) (i32.const 4096))
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 0) "no such luck")
  (func $allocate (export "allocate") (param i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (global.get $top) (i32.and (i32.add (local.get 0) (i32.const 23)) (i32.const -8))))
    (block $fits
      (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.add (i32.shr_u (local.get 0) (i32.const 16)) (i32.const 1))) (i32.const -1))
        (then unreachable)))
    (local.get $at))
  (func (export "deallocate") (param i32 i32))
  (func $record (param $to i32) (param $at i32) (param $tag i32) (param $size i32)
    (i32.store (local.get $to) (local.get $at))
    (i32.store offset=4 (local.get $to) (local.get $tag))
    (i32.store offset=8 (local.get $to) (local.get $size)))
  (func $block (param $flag i32) (param $at i32) (param $count i32) (result i32)
    (local $to i32)
    (local.set $to (call $allocate (i32.const 16)))
    (i32.store8 (local.get $to) (local.get $flag))
    (i32.store offset=1 (local.get $to) (local.get $at))
    (i32.store offset=5 (local.get $to) (local.get $count))
    (local.get $to))
  (func $first (param $in i32) (param $tag i32) (result i32)
    (local $to i32)
    (local.set $to (call $allocate (i32.const 12)))
    (call $record (local.get $to) (i32.load (local.get $in)) (local.get $tag) (i32.load offset=4 (local.get $in)))
    (call $block (i32.const 0) (local.get $to) (i32.const 1)))
  (func (export "echo") (param i32 i32) (result i32) (call $first (local.get 0) (i32.const 21)))
  (func (export "text") (param i32 i32) (result i32) (call $first (local.get 0) (i32.const 31)))
  (func (export "second") (param i32 i32) (result i32)
    (call $first (i32.add (local.get 0) (i32.const 8)) (i32.const 31)))
  (func (export "both") (param i32 i32) (result i32)
    (local $to i32)
    (local.set $to (call $allocate (i32.const 24)))
    (call $record (local.get $to) (i32.load (local.get 0)) (i32.const 31) (i32.load offset=4 (local.get 0)))
    (call $record (i32.add (local.get $to) (i32.const 12)) (i32.load (local.get 0)) (i32.const 21) (i32.load offset=4 (local.get 0)))
    (call $block (i32.const 0) (local.get $to) (i32.const 2)))
  (func (export "none") (param i32 i32) (result i32) (call $block (i32.const 0) (i32.const 0) (i32.const 0)))
  (func (export "count") (param i32 i32) (result i32)
    (local $to i32)
    (local.set $to (call $allocate (i32.const 12)))
    (i32.store (i32.const 1024) (local.get 1))
    (call $record (local.get $to) (i32.const 1024) (i32.const 6) (i32.const 4))
    (call $block (i32.const 0) (local.get $to) (i32.const 1)))
  (func (export "state") (param i32 i32) (result i32)
    (local $to i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (global.get $calls)))
    (local.set $to (call $allocate (i32.const 12)))
    (call $record (local.get $to) (i32.const 1024) (i32.const 6) (i32.const 4))
    (call $block (i32.const 0) (local.get $to) (i32.const 1)))
  (func (export "fail") (param i32 i32) (result i32) (call $block (i32.const 1) (i32.const 0) (i32.const 12)))
  (func (export "outside") (param i32 i32) (result i32) (i32.const -4))
  (func (export "far") (param i32 i32) (result i32) (call $block (i32.const 0) (i32.const -16) (i32.const 1)))
  (func (export "many") (param i32 i32) (result i32) (call $block (i32.const 0) (i32.const 0) (i32.const -1)))
  (func (export "long") (param i32 i32) (result i32)
    (local $to i32)
    (drop (memory.grow (i32.const 20)))
    (local.set $to (call $allocate (i32.const 12)))
    (call $record (local.get $to) (i32.const 0) (i32.const 21) (i32.const 1048577))
    (call $block (i32.const 0) (local.get $to) (i32.const 1)))
  (func (export "spin") (param i32 i32) (result i32) (loop (br 0)) (unreachable))
  (func (export "trap") (param i32 i32) (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
  (func (export "other") (param i64) (result i64) (local.get 0)))"#;

/// Functions in the convention of wasm-bindgen: `greet` puts `hi ` before its input, `nothing` returns nothing, `pair` returns two
/// numbers, `first` takes two inputs and returns the first.
pub const BINDGEN: &str = r#"(module
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 4096))
  (func $malloc (export "__wbindgen_malloc") (param i32 i32) (result i32)
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (i32.add (local.get 0) (i32.const 8)))))
  (func (export "__wbindgen_free") (param i32 i32 i32))
  (func (export "__wbindgen_add_to_stack_pointer") (param i32) (result i32) (i32.add (i32.const 2048) (local.get 0)))
  (func (export "greet") (param $to i32) (param $at i32) (param $length i32)
    (local $out i32)
    (local.set $out (call $malloc (i32.add (local.get $length) (i32.const 3)) (i32.const 1)))
    (i32.store (local.get $out) (i32.const 0x206968))
    (memory.copy (i32.add (local.get $out) (i32.const 3)) (local.get $at) (local.get $length))
    (i32.store (local.get $to) (local.get $out))
    (i32.store offset=4 (local.get $to) (i32.add (local.get $length) (i32.const 3))))
  (func (export "nothing") (param i32 i32))
  (func (export "pair") (param i32 i32) (result i32 i32) (local.get 0) (local.get 1))
  (func (export "first") (param $to i32) (param i32 i32 i32 i32)
    (i32.store (local.get $to) (local.get 1))
    (i32.store offset=4 (local.get $to) (local.get 2)))
  (func (export "lie") (param $to i32) (param i32 i32)
    (i32.store (local.get $to) (i32.const 0xfffffff0))
    (i32.store offset=4 (local.get $to) (i32.const 32))))"#;
