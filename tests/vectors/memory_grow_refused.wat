(module
  (import "ethereum" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 1 2)
  (func (export "main")
    (i32.store (i32.const 0) (memory.grow (i32.const 2)))
    (i32.store (i32.const 4) (memory.size))
    (call $finish (i32.const 0) (i32.const 8))))
