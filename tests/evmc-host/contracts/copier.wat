;; Returns the first byte of the code of account 9.
(module
  (import "ethereum" "externalCodeCopy" (func $copy (param i32 i32 i32 i32)))
  (import "ethereum" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 19) "\09")
  (func (export "main")
    (call $copy (i32.const 0) (i32.const 64) (i32.const 0) (i32.const 1))
    (call $finish (i32.const 64) (i32.const 1))))
