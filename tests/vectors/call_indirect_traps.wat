(module
  (import "ethereum" "getCallDataSize" (func $size (result i32)))
  (memory (export "memory") 1)
  (table 2 funcref)
  (elem (i32.const 0) func $other)
  (func $other (param i32))
  (func (export "main")
    (call_indirect (param) (call $size))
    ;; three divisions that succeed: more than a gas in v1
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))))
