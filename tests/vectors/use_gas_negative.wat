(module
  (import "ethereum" "useGas" (func $use (param i64)))
  (memory (export "memory") 1)
  (func (export "main")
    (call $use (i64.const -1))))
