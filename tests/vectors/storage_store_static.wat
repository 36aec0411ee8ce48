(module
  (import "ethereum" "storageStore" (func $store (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "main")
    (call $store (i32.const 65536) (i32.const 65536))))
