;; Reverts with four bytes.
(module
  (import "ethereum" "revert" (func $revert (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "oops")
  (func (export "main") (call $revert (i32.const 0) (i32.const 4))))
