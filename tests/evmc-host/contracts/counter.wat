;; Adds 1 to the number under key 0, logs, and returns it.
(module
  (import "ethereum" "storageLoad" (func $load (param i32 i32)))
  (import "ethereum" "storageStore" (func $store (param i32 i32)))
  (import "ethereum" "log" (func $log (param i32 i32 i32 i32 i32 i32 i32)))
  (import "ethereum" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "log")
  (func (export "main")
    (call $load (i32.const 0) (i32.const 32))
    (i32.store8 (i32.const 63) (i32.add (i32.load8_u (i32.const 63)) (i32.const 1)))
    (call $store (i32.const 0) (i32.const 32))
    (call $log (i32.const 64) (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $finish (i32.const 32) (i32.const 32))))
