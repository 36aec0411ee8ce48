;; Calls account 9 and returns the result of that in one byte.
(module
  (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "ethereum" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 19) "\09")
  (func (export "main")
    (i32.store (i32.const 64)
      (call $call (i64.const 100000) (i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0)))
    (call $finish (i32.const 64) (i32.const 1))))
