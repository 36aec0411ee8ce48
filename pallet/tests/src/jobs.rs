//! Jobs to try workers with.

/// The square roots of its input's 64-bit floats: what no contract can compute.
pub fn roots() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "ethereum" "getCallDataSize" (func $size (result i32)))
            (import "ethereum" "callDataCopy" (func $copy (param i32 i32 i32)))
            (import "ethereum" "finish" (func $finish (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "main") (local $at i32)
                (call $copy (i32.const 0) (i32.const 0) (call $size))
                (loop $next
                    (f64.store (local.get $at) (f64.sqrt (f64.load (local.get $at))))
                    (br_if $next (i32.lt_u
                        (local.tee $at (i32.add (local.get $at) (i32.const 8)))
                        (call $size))))
                (call $finish (i32.const 0) (call $size))))"#,
    )
    .expect("a module")
}

/// Numbers as such a job reads and writes them.
pub fn floats(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
