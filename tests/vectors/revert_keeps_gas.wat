(module
  (import "ethereum" "revert" (func $revert (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "no")
  (func (export "main")
    (call $revert (i32.const 0) (i32.const 2))
    ;; three divisions that succeed: more than a gas in v1
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))))
