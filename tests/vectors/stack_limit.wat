(module
  (memory (export "memory") 1)
  (func $down (param $n i32)
    (local i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64)
    (if (local.get $n)
      (then (call $down (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "main")
    (call $down (i32.const 3448))))
