(module
  (memory (export "memory") 1)
  (func (export "main")
    (memory.copy (i32.const 65536) (i32.const 0) (i32.const 1)) ;; traps
    ;; three divisions that succeed: more than a gas in v1
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))))
