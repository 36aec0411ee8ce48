(module
  (memory (export "memory") 1)
  (data "x")
  (func (export "main")
    (drop (i32.div_u (i32.const 1) (i32.const 0))) ;; traps
    (data.drop 0)
    ;; three divisions that succeed: more than a gas in v1
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))))
